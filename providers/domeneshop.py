"""Domeneshop (Domainnameshop), record by record.

Facts: https://api.domeneshop.no/docs/ (a TTL is a multiple of 60, a collision 409). Unverified: what the
JSON of an error has, and whether lists are ever paged (no client of theirs pages them).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from ._http.responses import words_in
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, listed

STEP, LONGEST = 60, 604800  # seconds: what TTLs are multiples of, and the most that there is


class Provider(Rest, ChecksZoneIds, RecordProvider):
    """With a token and its secret."""

    title = "Domeneshop"
    docs = "https://api.domeneshop.no/docs/"
    permission = "an API token (it is for all domains of its account)"
    options = (
        Option("token", ("DOMENESHOP_API_TOKEN", "DOMENESHOP_Token"), "API token", required=True),
        Option(
            "secret", ("DOMENESHOP_API_SECRET", "DOMENESHOP_Secret"), "its secret", required=True, secret=True
        ),
        base_url("DOMENESHOP_BASE_URL", "https://api.domeneshop.no/v0"),
    )
    least_ttl = STEP

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        pair = f"{self.given['token']}:{self.given['secret']}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def words(self, body: Any) -> str:
        return ", ".join(words_in([body, body.get("code"), body.get("help")]))

    def zones(self) -> Iterable[Zone]:
        """The domains that have DNS there: some are but registered."""
        found = [domain for domain in listed(self.get("domains")) if domain["services"]["dns"]]
        return [Zone(domain["domain"], str(domain["id"])) for domain in found]

    def apex_with_id(self, id: str) -> Any:
        return self.get("domains", id)["domain"]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        wanted = {"type": "TXT", "host": relative(name, zone.apex)}
        for record in listed(self.get(*_records(zone), **wanted)):
            if record["type"] == "TXT" and record["host"] == wanted["host"]:
                yield str(record["id"]), record["data"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        ttl = min(-(-record.ttl // STEP) * STEP, LONGEST)
        with self.unless(lambda: self.lists(zone, record)):
            host = relative(record.name, zone.apex)
            self.post(*_records(zone), type="TXT", host=host, data=record.value, ttl=ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)


def _records(zone: Zone) -> tuple[str, ...]:
    return ("domains", zone.id, "dns")
