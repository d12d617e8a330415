"""AutoDNS (InterNetX), record by record, of zones that change by lists of what to add and to remove.

Unverified: how many zones a search shows at the most, and that it takes a TTL below 600 s (which lego and
acme.sh never ask for) or refuses it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ._name_servers import ShowsNameServers
from .base import Option, TxtRecord, Zone
from .records import RecordProvider
from .rest import Rest, base_url, listed


class Provider(Rest, ShowsNameServers, RecordProvider):
    """With a user of the context 4 (live) or 1 (demo), or of another one's that a reseller has."""

    title = "AutoDNS"
    docs = "https://help.internetx.com/display/APIJSONEN"
    permission = "a user (a subuser, at best) with the tasks zone info, zone list and zone update"
    options = (
        Option("user", ("AUTODNS_API_USER", "AUTODNS_USER"), "user", required=True),
        Option(
            "password", ("AUTODNS_API_PASSWORD", "AUTODNS_PASSWORD"), "password", required=True, secret=True
        ),
        Option("context", ("AUTODNS_CONTEXT",), "the user's context", default="4"),
        base_url("AUTODNS_ENDPOINT", "https://api.autodns.com/v1"),
    )
    least_ttl = 600

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        who = b64encode(f"{self.given['user']}:{self.given['password']}".encode()).decode()
        return {"Authorization": f"Basic {who}", "X-Domainrobot-Context": self.given["context"]}

    def words(self, body: Any) -> str:
        return ", ".join(_texts(body))

    def get(self, *path: str, **query: Any) -> Any:
        """A search is a POST."""
        return self.post(*path, **query) if query else super().get(*path)

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        view, shown = asked["view"], len(page["data"])
        return {"view": {**view, "offset": view["offset"] + shown}} if shown == view["limit"] else {}

    def zones(self) -> Iterable[Zone]:
        return map(_zone, self.items("data", "zone", "_search", view={"limit": 100, "offset": 0}))

    def zone_at(self, apex: str) -> Zone | None:
        wanted = {"key": "name", "operator": "EQUAL", "value": apex}
        found = listed(self.post("zone", "_search", filters=[wanted])["data"])
        return next((zone for zone in map(_zone, found) if zone.apex == apex), None)

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return [server["name"] for server in listed(self._whole(zone)["nameServers"])]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        """The id is all that has to be said to remove the record."""
        for record in self._whole(zone).get("resourceRecords") or ():
            if record["type"] == "TXT" and _owner(record, zone) == name:
                yield json.dumps({**record, "name": f"{name}."}, sort_keys=True), record["value"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"name": f"{record.name}.", "type": "TXT", "value": record.value, "ttl": record.ttl}
        with self.unless(lambda: self.lists(zone, record)):
            self.post("zone", zone.apex, "_stream", adds=[fields])

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self.post("zone", zone.apex, "_stream", rems=[json.loads(id)])

    def _whole(self, zone: Zone) -> Any:
        (found,) = listed(self.get("zone", zone.apex, zone.id)["data"])
        return found


def _zone(found: Mapping[str, Any]) -> Zone:
    """A zone, and the name server that has it: there may be several of one name."""
    return Zone(found["origin"], found["virtualNameServer"])


def _owner(record: Mapping[str, Any], zone: Zone) -> str:
    name = str(record.get("name") or "@").lower()
    if name.endswith("."):
        return name.rstrip(".")
    return zone.apex if name == "@" else f"{name}.{zone.apex}"


def _texts(body: Any) -> Iterator[str]:
    """What went wrong, and with what."""
    yield body["status"]["text"]
    for message in body.get("messages", ()):
        yield " ".join([message["text"], *(each["value"] for each in message.get("objects") or ())])
