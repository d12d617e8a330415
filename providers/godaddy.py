"""GoDaddy: records with ids for personal access tokens (v3), whole RRsets for classic keys (v1).

Classic keys are announced to end with 2026. Unverified: which scopes a token needs, what v3 says of a
duplicate, that it lists the NS records of the apex as v1 does, and that the least TTL is v1's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ..errors import ConfigError
from ._name_servers import ListsNameServers
from .base import Option, Profile, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Refused, Rest, listed, next_link
from .rrsets import RRset, RRsetProvider

NOT_HERE = (400, 404, 422)  # no zone of this account, or none that could be one
PAGE = 100


class Provider(Rest, ListsNameServers, RecordProvider, RRsetProvider):
    """With a personal access token, or with a classic key and its secret, for production (those for OTE,
    GoDaddy's place for tests, differ). An account with one domain is enough since April 2026."""

    title = "GoDaddy"
    docs = "https://developer.godaddy.com/en/docs/references/rest/domains/v3"
    permission = (
        "a personal access token with the scopes domains.domain:read and domains.dns:update for the domain,"
        " or else a classic production key, which is for all domains of its account"
    )
    options = (
        Option(
            "token",
            ("GODADDYV3_PERSONAL_ACCESS_TOKEN", "GODADDY_PAT"),
            "personal access token",
            secret=True,
        ),
        Option("key", ("GODADDY_API_KEY", "GD_Key"), "or: a classic API key", secret=True),
        Option("secret", ("GODADDY_API_SECRET", "GD_Secret"), "with the key: its secret", secret=True),
        Option(
            "base_url",
            ("GODADDY_BASE_URL",),
            "address of the API; OTE is at https://api.ote-godaddy.com",
            default="https://api.godaddy.com",
        ),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"user is not allowed access": (
            "GoDaddy knows {variables}, and does not let this account use the API for {about}: see that the"
            " domain is in that account, and make a personal access token"
            " (GODADDYV3_PERSONAL_ACCESS_TOKEN) in the place of a classic key; or let the challenge's name be"
            " a CNAME to a zone elsewhere"
        ),
    }
    least_ttl = 600
    profile = Profile(ttl=least_ttl)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for half of a classic key."""
        super().__init__(options)
        if not options.get("token") and not (options.get("key") and options.get("secret")):
            raise ConfigError(
                "of GODADDY_API_KEY and GODADDY_API_SECRET one is missing",
                "set both, or GODADDYV3_PERSONAL_ACCESS_TOKEN in their place",
            )
        self._classic = not options.get("token")

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if self._classic:
            return {"Authorization": f"sso-key {self.given['key']}:{self.given['secret']}"}
        return super().credentials(method, url, body)

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._classic:
            return {"marker": page[-1]["domain"]} if len(page) == asked["limit"] else {}
        return next_link(next((link["href"] for link in page["links"] if link["rel"] == "next"), None))

    def pause_wanted(self, headers: Mapping[str, str], body: Any) -> float | None:
        """The seconds to wait, which are in the body of the answer."""
        wish = body.get("retryAfterSec") if isinstance(body, dict) else None
        return float(wish) if isinstance(wish, int) else super().pause_wanted(headers, body)

    def zones(self) -> Iterable[Zone]:
        if self._classic:
            for page in self.pages("v1", "domains", limit=PAGE):
                yield from (Zone(domain["domain"]) for domain in page)
        else:
            for domain in self.items("items", "v3", "domains", "domain-names", pageSize=PAGE):
                yield Zone(domain["domain"])

    def zone_at(self, apex: str) -> Zone | None:
        """Asked by way of its records, since small accounts may not see the domain itself."""
        try:
            self.read(Zone(apex), apex) if self._classic else list(self.texts(Zone(apex), apex))
        except Refused as refusal:
            if refusal.status not in NOT_HERE:
                raise
            return None
        return Zone(apex)

    def name_servers(self, zone: Zone) -> Iterable[str]:
        if self._classic:
            return [record["data"] for record in listed(self.get(*_rrset(zone, zone.apex, "NS")))]
        return super().name_servers(zone)

    def _add(self, zone: Zone, name: str, wanted: Sequence[TxtRecord]) -> None:
        (RRsetProvider if self._classic else RecordProvider)._add(self, zone, name, wanted)

    def _remove(self, zone: Zone, name: str, unwanted: Sequence[TxtRecord]) -> None:
        (RRsetProvider if self._classic else RecordProvider)._remove(self, zone, name, unwanted)

    # v3

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex)
        for record in self.items("items", *_records(zone), type=type, name=within, pageSize=PAGE):
            if (record["type"], record["name"]) == (type, within):
                yield str(record["recordId"]), record["data"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"type": "TXT", "name": relative(record.name, zone.apex), "data": record.value}
        with self.unless(lambda: self.lists(zone, record)):
            self.post(*_records(zone), **fields, ttl=record.ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)

    # v1

    def read(self, zone: Zone, name: str) -> RRset | None:
        """But for the empty ones, which is what some clients make of those that they remove."""
        found = [record for record in listed(self.get(*_rrset(zone, name))) if record["data"]]
        return RRset(tuple(record["data"] for record in found), found[0]["ttl"]) if found else None

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        if new:
            body = [{"data": value, "ttl": new.ttl} for value in new.values]
            self.request("PUT", _rrset(zone, name), body=body)
        else:
            self.delete_at(*_rrset(zone, name))  # an empty list is refused


def _records(zone: Zone) -> tuple[str, ...]:
    return ("v3", "domains", "zones", zone.apex, "dns-records")


def _rrset(zone: Zone, name: str, type: str = "TXT") -> tuple[str, ...]:
    return ("v1", "domains", zone.apex, "records", type, relative(name, zone.apex))
