"""LuaDNS, record by record.

Unverified: what a duplicate gets. It allows 1,200 requests in five minutes or fewer, by plan.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from ._name_servers import ListsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, dns_name
from .records import RecordProvider
from .rest import Rest, base_url, listed

PAGE = 100


class Provider(Rest, ChecksZoneIds, ListsNameServers, RecordProvider):
    """With the e-mail address of an account and an API key."""

    title = "LuaDNS"
    docs = "https://luadns.com/api.html"
    permission = "“API access”, switched on in the account's settings, and a key that may write the zone"
    options = (
        Option("user", ("LUADNS_API_USERNAME", "LUA_Email"), "e-mail address of the account", required=True),
        Option("token", ("LUADNS_API_TOKEN", "LUA_Key"), "API key", required=True, secret=True),
        base_url("LUADNS_BASE_URL", "https://api.luadns.com/v1"),
    )
    least_ttl = 300

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        pair = f"{self.given['user']}:{self.given['token']}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"page": asked["page"] + 1} if len(page) == asked["limit"] else {}

    def zones(self) -> Iterable[Zone]:
        return [Zone(zone["name"], str(zone["id"])) for zone in self._all("zones")]

    def apex_with_id(self, id: str) -> Any:
        return self.get("zones", id)["name"]

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        for record in self._all("zones", zone.id, "records"):
            if (record["type"], dns_name(record["name"])) == (type, name):
                yield str(record["id"]), record["content"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"name": f"{record.name}.", "type": "TXT", "content": record.value, "ttl": record.ttl}
        self.post("zones", zone.id, "records", **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("zones", zone.id, "records", id)

    def _all(self, *path: str) -> Iterable[Any]:
        for page in self.pages(*path, page=1, limit=PAGE):
            yield from listed(page)
