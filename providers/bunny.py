"""bunny.net, record by record.

Unverified: what a duplicate gets, the least TTL (its panel offers 15 seconds), and the rate limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, listed

TXT = 3  # of the types, which are numbers
PAGE = 100  # of a thousand that it would give: every zone comes with all of its records
NAME_SERVERS = ("kiki.bunny.net", "coco.bunny.net")  # that serve every zone


class Provider(Rest, ChecksZoneIds, ShowsNameServers, RecordProvider):
    """With an API key, which is for everything in its account."""

    title = "bunny.net"
    docs = "https://docs.bunny.net/reference/dnszonepublic_index"
    permission = "an API key of the account"
    options = (
        Option("key", ("BUNNY_API_KEY",), "API key", required=True, secret=True),
        base_url("BUNNY_BASE_URL", "https://api.bunny.net"),
    )
    least_ttl = 15
    zones_at_once = 4

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"AccessKey": self.given["key"]}

    def words(self, body: Any) -> str:
        return str(body["Message"])

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"page": asked["page"] + 1} if page["HasMoreItems"] else {}

    def zones(self) -> Iterable[Zone]:
        return self._zones()

    def zone_at(self, apex: str) -> Zone | None:
        """The search finds parts of names as well."""
        return next((zone for zone in self._zones(search=apex) if zone.apex == apex), None)

    def apex_with_id(self, id: str) -> Any:
        return self.get("dnszone", id)["Domain"]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        """Bunny's own names, beside those that the owner has for them: they may not be switched on, or
        delegated to."""
        found = self.get("dnszone", zone.id)
        return [*NAME_SERVERS, found["Nameserver1"], found["Nameserver2"]]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex, "")
        for record in listed(self.get("dnszone", zone.id)["Records"]):
            if (record["Type"], record["Name"].lower()) == (TXT, within) and not record.get("Disabled"):
                yield str(record["Id"]), record["Value"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"Name": relative(record.name, zone.apex, ""), "Value": record.value, "Ttl": record.ttl}
        with self.unless(lambda: self.lists(zone, record)):
            self.put("dnszone", zone.id, "records", Type=TXT, **fields)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("dnszone", zone.id, "records", id)

    def _zones(self, **wanted: str) -> Iterable[Zone]:
        found = self.items("Items", "dnszone", page=1, perPage=PAGE, **wanted)
        return [Zone(zone["Domain"], str(zone["Id"])) for zone in found]
