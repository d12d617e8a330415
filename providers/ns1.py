"""NS1 (IBM NS1 Connect), which replaces whole RRsets.

Facts: https://developer.ibm.com/apis/catalog/ns1 and the API's SDKs: a PUT creates and is refused where
there is an RRset, a POST changes the fields that it has. Unverified: that ``after`` leads to the page
after the 2,500 zones that a list has at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, Zone
from .rest import Rest, base_url, listed
from .rrsets import RRset, RRsetProvider

PAGE = 2500  # zones


class Provider(Rest, ChecksZoneIds, ShowsNameServers, RRsetProvider):
    """With an API key."""

    title = "NS1 (IBM NS1 Connect)"
    docs = "https://developer.ibm.com/apis/catalog/ns1--ibm-ns1-connect-api/Introduction"
    permission = "an API key that may view and manage the zone, limited to it"
    options = (
        Option("key", ("NS1_API_KEY", "NS1_Key"), "API key", required=True, secret=True),
        base_url("NS1_BASE_URL", "https://api.nsone.net/v1"),
    )

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"X-NSONE-Key": self.given["key"]}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"after": page[-1]["zone"]} if len(page) >= PAGE else {}

    def zones(self) -> Iterable[Zone]:
        """The primary zones: one that is copied from other servers takes no records."""
        for page in self.pages("zones"):
            yield from (_zone(zone) for zone in page if not _is_copy(zone))

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("zones", apex, records="false")
        return _zone(found) if found and not _is_copy(found) else None

    def apex_with_id(self, id: str) -> Any:
        return self.get("zones", id, records="false")["zone"]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return listed(self.get("zones", zone.id, records="false")["dns_servers"])

    def read(self, zone: Zone, name: str) -> RRset | None:
        found = self.get_if_there(*_rrset(zone, name))
        if not found:
            return None
        answers = found["answers"]
        return RRset(tuple("".join(answer["answer"]) for answer in answers), found["ttl"], tuple(answers))

    def check_zone(self, zone: Zone) -> None:
        self.apex_with_id(zone.id)

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        if not new:
            self.delete_at(*_rrset(zone, name))
            return
        fields: dict[str, Any] = {"answers": new.items_after(old, lambda value: {"answer": [value]})}
        if not old:
            fields |= {"zone": zone.id, "domain": name, "type": "TXT", "ttl": new.ttl}
        with self.unless(lambda: self.is_overtaken(zone, name, old)):
            self.request("POST" if old else "PUT", _rrset(zone, name), body=fields)


def _zone(found: Mapping[str, Any]) -> Zone:
    """A zone has a name of its own within the account, where there are two of one apex."""
    return Zone(found["zone"], found.get("name") or found["zone"])


def _is_copy(found: Mapping[str, Any]) -> bool:
    return bool((found.get("secondary") or {}).get("enabled"))


def _rrset(zone: Zone, name: str) -> tuple[str, ...]:
    return ("zones", zone.id, name, "TXT")
