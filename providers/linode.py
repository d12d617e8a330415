"""Linode (Akamai), record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._name_servers import ListsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, next_number

# Of every zone. The API lists none but those that its owner adds (other servers, or other names of these).
NAME_SERVERS = tuple(f"ns{number}.linode.com" for number in range(1, 6))


class Provider(Rest, ChecksZoneIds, ListsNameServers, RecordProvider):
    """With a personal access token."""

    title = "Linode"
    docs = "https://techdocs.akamai.com/linode-api/reference/get-domain-records"
    permission = "a personal access token with the scope domains:read_write"
    options = (
        Option(
            "token",
            ("LINODE_TOKEN", "LINODE_V4_API_KEY"),
            "personal access token",
            required=True,
            secret=True,
        ),
        base_url("LINODE_BASE_URL", "https://api.linode.com/v4"),
    )
    least_ttl = 300  # of a few that there are; others become one of them
    zones_at_once = 4

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return next_number(page["page"], page["pages"])

    def zones(self) -> Iterable[Zone]:
        """The zones whose records are kept here; a ``slave`` is a copy of some other server's."""
        domains = self.items("data", "domains", page_size=500)
        return [Zone(domain["domain"], str(domain["id"])) for domain in domains if domain["type"] == "master"]

    def apex_with_id(self, id: str) -> Any:
        return self.get("domains", id)["domain"]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return [*NAME_SERVERS, *super().name_servers(zone)]

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        wanted = (type, relative(name, zone.apex, ""))
        for record in self.items("data", "domains", zone.id, "records", page_size=500):
            if (record["type"], record["name"]) == wanted:
                yield str(record["id"]), record["target"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"type": "TXT", "name": relative(record.name, zone.apex, ""), "target": record.value}
        self.post("domains", zone.id, "records", **fields, ttl_sec=record.ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("domains", zone.id, "records", id)
