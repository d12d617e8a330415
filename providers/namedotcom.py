"""name.com, record by record, by its Core API, which has taken the place of version 4.

It allows 20 requests in a second and 3,000 in an hour. Unverified: what a duplicate gets.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .base import Option, Profile, TxtRecord, Zone, dns_name, relative
from .records import RecordProvider
from .rest import Rest, base_url

PAGE = 500  # of a thousand that it would give


class Provider(Rest, RecordProvider):
    """With a user's name and API token."""

    title = "name.com"
    docs = "https://docs.name.com/api/v1/dns/create-record"
    permission = "an API token, and where the account has two-step verification, “API access” allowed there"
    options = (
        Option("user", ("NAMECOM_USERNAME", "Namecom_Username"), "user's name", required=True),
        Option("token", ("NAMECOM_API_TOKEN", "Namecom_Token"), "API token", required=True, secret=True),
        base_url("NAMECOM_BASE_URL", "https://api.name.com/core/v1"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"two.?step|namesafe": (
            "allow “API access” in the account's security settings at name.com: two-step verification closes"
            " the API to {variables} otherwise"
        ),
    }
    profile = Profile(ttl=300, timeout=900)  # its name servers can be slow
    least_ttl = 300

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        pair = f"{self.given['user']}:{self.given['token']}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        following = page.get("nextPage")
        return {"page": following} if following else {}

    def zones(self) -> Iterable[Zone]:
        return [
            Zone(domain["domainName"]) for domain in self.items("domains", "domains", page=1, perPage=PAGE)
        ]

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("domains", apex)
        return Zone(found["domainName"]) if found else None

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        for record in self.items("records", *_records(zone), page=1, perPage=PAGE):
            if (record["type"], dns_name(record["fqdn"])) == ("TXT", name):
                yield str(record["id"]), record["answer"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"host": relative(record.name, zone.apex), "answer": record.value, "ttl": record.ttl}
        with self.unless(lambda: self.lists(zone, record)):
            self.post(*_records(zone), type="TXT", **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)


def _records(zone: Zone) -> tuple[str, ...]:
    return ("domains", zone.apex, "records")
