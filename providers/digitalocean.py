"""DigitalOcean, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._name_servers import ListsNameServers
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, next_link

# Of every zone. The API lists them as records, which the zone's owner may change or delete: its servers stay.
NAME_SERVERS = tuple(f"ns{number}.digitalocean.com" for number in range(1, 4))


class Provider(Rest, ListsNameServers, RecordProvider):
    """With a personal access token."""

    title = "DigitalOcean"
    docs = "https://docs.digitalocean.com/reference/api/reference/domain-records/"
    permission = "the custom scopes domain:read, domain:create and domain:delete"
    options = (
        Option("token", ("DO_AUTH_TOKEN", "DO_API_KEY"), "personal access token", required=True, secret=True),
        base_url("DO_API_URL", "https://api.digitalocean.com"),
    )
    least_ttl = 30
    zones_at_once = 4  # of one user's 250 requests a minute

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return next_link(page["links"].get("pages", {}).get("next"))

    def zones(self) -> Iterable[Zone]:
        return [Zone(domain["name"]) for domain in self.items("domains", "v2", "domains", per_page=200)]

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("v2", "domains", apex)
        return Zone(found["domain"]["name"]) if found else None

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return [*NAME_SERVERS, *super().name_servers(zone)]

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        found = self.items("domain_records", *_records(zone), type=type, name=name, per_page=200)
        return [(str(record["id"]), record["data"]) for record in found]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        name = relative(record.name, zone.apex)
        self.post(*_records(zone), type="TXT", name=name, data=record.value, ttl=record.ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at(*_records(zone), id)


def _records(zone: Zone) -> tuple[str, ...]:
    return ("v2", "domains", zone.apex, "records")
