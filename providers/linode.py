"""Linode (Akamai), record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, next_number


class Provider(Rest, RecordProvider):
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
        """Those whose records are kept here; a ``slave`` is a copy of some other server's."""
        domains = self.items("data", "domains", page_size=500)
        return [Zone(domain["domain"], str(domain["id"])) for domain in domains if domain["type"] == "master"]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        wanted = ("TXT", relative(name, zone.apex, ""))
        for record in self.items("data", "domains", zone.id, "records", page_size=500):
            if (record["type"], record["name"]) == wanted:
                yield str(record["id"]), record["target"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"type": "TXT", "name": relative(record.name, zone.apex, ""), "target": record.value}
        self.post("domains", zone.id, "records", **fields, ttl_sec=record.ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("domains", zone.id, "records", id)
