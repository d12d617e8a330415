"""Vultr, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._character_strings import quoted
from ._name_servers import ListsNameServers
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Refused, Rest, base_url


class Provider(Rest, ListsNameServers, RecordProvider):
    """With an API key."""

    title = "Vultr"
    docs = "https://www.vultr.com/api/#tag/dns"
    permission = (
        "an API key of a user who may “Manage DNS” and no more, with this machine's address in the key's"
        " access control"
    )
    options = (
        Option("token", ("VULTR_API_KEY",), "API key", required=True, secret=True),
        base_url("VULTR_BASE_URL", "https://api.vultr.com/v2"),
    )
    least_ttl = 120
    zones_at_once = 4  # of 30 requests a second

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        following = page["meta"]["links"]["next"]
        return {"cursor": following} if following else {}

    def zones(self) -> Iterable[Zone]:
        return [Zone(domain["domain"]) for domain in self.items("domains", "domains", per_page=500)]

    def zone_at(self, apex: str) -> Zone | None:
        """What could be no domain of its (it has an underscore, say) is 400 to it."""
        try:
            found = self.get_if_there("domains", apex)
        except Refused as refusal:
            if refusal.status != 400:
                raise
            return None
        return Zone(found["domain"]["domain"]) if found else None

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        wanted = (type, relative(name, zone.apex, ""))
        for record in self.items("records", *_records(zone), per_page=500):
            if (record["type"], record["name"]) == wanted:
                yield record["id"], record["data"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        name, data = relative(record.name, zone.apex, ""), quoted(record.value)
        self.post(*_records(zone), type="TXT", name=name, data=data, ttl=record.ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)


def _records(zone: Zone) -> tuple[str, ...]:
    return ("domains", zone.apex, "records")
