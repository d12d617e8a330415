"""Infomaniak, record by record, by version 2 of its API: that of zones.

It allows 60 requests in a minute. Unverified: how the apex is written (as ``.``), what a duplicate gets, and
the least TTL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, next_number


class Provider(Rest, RecordProvider):
    """With an API token."""

    title = "Infomaniak"
    docs = "https://developer.infomaniak.com/docs/api/get/2/zones/%7Bzone%7D/records"
    permission = "a token with the scopes dns:read and dns:write, and domain:read to list the domains"
    options = (
        Option(
            "token",
            ("INFOMANIAK_ACCESS_TOKEN", "INFOMANIAK_API_TOKEN"),
            "API token",
            required=True,
            secret=True,
        ),
        Option(
            "base_url",
            ("INFOMANIAK_ENDPOINT", "INFOMANIAK_API_URL"),
            "address of the API",
            default="https://api.infomaniak.com",
        ),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"method not found|authorization required": (
            "make a token with the scopes dns:read, dns:write and domain:read, for {variables}"
        ),
    }
    least_ttl = 60

    def status_of(self, status: int, body: Any) -> int:
        """Some errors come with 200."""
        return 400 if status == 200 and body and body["result"] == "error" else status

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Not every list tells of pages."""
        return next_number(page.get("page", 1), page.get("pages", 1))

    def zones(self) -> Iterable[Zone]:
        """The registered domains: version 2 lists no zones."""
        found = self.items("data", "1", "product", service_name="domain")
        return [Zone(product["customer_name"]) for product in found]

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("2", "zones", apex, "exists")
        return Zone(apex) if found and found["data"] is True else None

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex, "")
        for record in self.items("data", "2", "zones", zone.apex, "records"):
            if (record["type"], record["source"].strip(".@")) == ("TXT", within):
                yield str(record["id"]), record["target"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"source": relative(record.name, zone.apex, "."), "target": record.value, "ttl": record.ttl}
        with self.unless(lambda: self.lists(zone, record)):
            self.post("2", "zones", zone.apex, "records", type="TXT", **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("2", "zones", zone.apex, "records", id)
