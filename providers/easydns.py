"""easyDNS, record by record.

Facts: https://docs.sandbox.rest.easydns.net. What is over the limit (a few requests a minute) is 420,
as HTTP's status or within the JSON. Unverified: the least TTL, what a domain of others gets (400, 403
and 404 are known from clients), and that ``start`` leads to a list's next page.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ZoneNotFound
from ._name_servers import ListsNameServers
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Refused, Rest, base_url

ENHANCE_YOUR_CALM = 420


class Provider(Rest, ListsNameServers, RecordProvider):
    """With an API token and its key."""

    title = "easyDNS"
    docs = "https://docs.sandbox.rest.easydns.net"
    permission = "an API token and key of the domain's account, made at easyDNS for production"
    options = (
        Option("token", ("EASYDNS_TOKEN", "EASYDNS_Token"), "API token", required=True),
        Option("key", ("EASYDNS_KEY", "EASYDNS_Key"), "API key", required=True, secret=True),
        Option("user", ("EASYDNS_USER",), "user name, by which the account's domains can be listed"),
        base_url("EASYDNS_ENDPOINT", "https://rest.easydns.net"),
    )
    least_ttl = 120

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        pair = f"{self.given['token']}:{self.given['key']}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def status_of(self, status: int, body: Any) -> int:
        """Some errors come with 200 and their status in the body; 420 is its limit."""
        error = body.get("error") if isinstance(body, dict) else None
        status = int(error["code"]) if error and status < 300 else status
        return 429 if status == ENHANCE_YOUR_CALM else status

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        shown = int(page.get("start", 0)) + len(page["data"])
        return {"start": shown} if page["data"] and shown < int(page.get("total", 0)) else {}

    def get(self, *path: str, **query: Any) -> Any:
        return super().get(*path, format="json", **query)

    def zones(self) -> Iterable[Zone]:
        """Raises ZoneNotFound where there is no user name to list the domains by."""
        if user := self.given.get("user"):
            return [Zone(domain["name"]) for domain in self.items("data", "domains", "list", user)]
        self.zone_at(self._about)  # which tells whether the credentials do at all
        raise ZoneNotFound(
            f"{self.whose}: none of its zones holds {self._about}",
            "have the domain in the account of EASYDNS_TOKEN; with EASYDNS_USER, what is there is listed",
        )

    def zone_at(self, apex: str) -> Zone | None:
        try:
            found = self.get_if_there("domain", apex)
        except Refused as refusal:
            if refusal.status != 400:
                raise
            return None
        return Zone(apex) if found and found["data"]["exists"] == "Y" else None

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        hosts = {relative(name, zone.apex), relative(name, zone.apex, "")}
        for record in self.items("data", "zones", "records", "all", zone.apex):
            if record["type"] == type and record["host"] in hosts:
                yield str(record["id"]), record["rdata"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"domain": zone.apex, "host": relative(record.name, zone.apex), "type": "TXT"}
        fields |= {"rdata": record.value, "ttl": str(record.ttl), "prio": "0"}
        with self.unless(lambda: self.lists(zone, record)):
            path = ("zones", "records", "add", zone.apex, "TXT")
            self.request("PUT", path, {"format": "json"}, fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self.request("DELETE", ("zones", "records", zone.apex, id), {"format": "json"})
