"""Gcore, which replaces whole RRsets.

Facts: https://gcore.com/docs/api-reference/dns. Unverified: the least TTL (120 seconds, with the free
plan), and what creating an RRset gets where there is one by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._name_servers import ShowsNameServers
from .base import Option, Zone
from .rest import Rest, base_url, listed
from .rrsets import RRset, RRsetProvider

PAGE = 100  # zones
OF_RECORD = ("content", "enabled", "meta")
OF_RRSET = ("filters", "meta", "pickers")  # how and for whom an answer is chosen


class Provider(Rest, ShowsNameServers, RRsetProvider):
    """With a permanent API token."""

    title = "Gcore"
    docs = "https://gcore.com/docs/api-reference/dns"
    permission = "a permanent API token of a user with the role Engineer, who may change DNS zones"
    options = (
        Option("token", ("GCORE_PERMANENT_API_TOKEN",), "permanent API token", required=True, secret=True),
        base_url("GCORE_BASE_URL", "https://api.gcore.com/dns/v2"),
    )
    least_ttl = 120

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"Authorization": f"APIKey {self.given['token']}"}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        shown = asked["offset"] + len(page["zones"])
        return {"offset": shown} if page["zones"] and shown < page["total_amount"] else {}

    def zones(self) -> Iterable[Zone]:
        return [Zone(zone["name"]) for zone in self.items("zones", "zones", limit=PAGE, offset=0)]

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("zones", apex)
        return Zone(found["name"]) if found else None

    def name_servers(self, zone: Zone) -> Iterable[str]:
        found = self.get_if_there("zones", zone.apex, zone.apex, "NS")
        records = found["resource_records"] if found else []
        return [host for record in records for host in listed(record["content"])]

    def read(self, zone: Zone, name: str) -> RRset | None:
        found = self.get_if_there(*_rrset(zone, name))
        if not found:
            return None
        records = found["resource_records"]
        values = tuple("".join(record["content"]) for record in records)
        return RRset(values, found["ttl"], tuple(_only(OF_RECORD, record) for record in records), found)

    def check_zone(self, zone: Zone) -> None:
        self.get("zones", zone.apex)

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """With the RRset's other fields, which would be reset if they were left out."""
        if not new:
            self.delete_at(*_rrset(zone, name))
            return
        records = new.items_after(old, lambda value: {"content": [value]})
        fields = {"ttl": new.ttl, "resource_records": records, **_only(OF_RRSET, old.whole if old else {})}
        with self.unless(lambda: self.is_overtaken(zone, name, old)):
            self.request("PUT" if old else "POST", _rrset(zone, name), body=fields)


def _only(keys: Iterable[str], found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: found[key] for key in keys if found.get(key) is not None}


def _rrset(zone: Zone, name: str) -> tuple[str, ...]:
    return ("zones", zone.apex, name, "TXT")
