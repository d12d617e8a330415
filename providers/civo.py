"""Civo, record by record.

Unverified: that it takes the same record twice, and that a domain's name is in A-labels.
"""

from __future__ import annotations

from collections.abc import Iterable

from ._name_servers import ShowsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, listed

NAME_SERVERS = ("ns0.civo.com", "ns1.civo.com")  # of every zone; the API lists none


class Provider(Rest, ChecksZoneIds, ShowsNameServers, RecordProvider):
    """With an account's API key."""

    title = "Civo"
    docs = "https://www.civo.com/api/dns"
    permission = "an API key of the account (“Security”); there is none that can do less"
    options = (
        Option("token", ("CIVO_TOKEN",), "API key", required=True, secret=True),
        base_url("CIVO_BASE_URL", "https://api.civo.com/v2"),
    )
    least_ttl = 600

    def zones(self) -> Iterable[Zone]:
        return [Zone(domain["name"], domain["id"]) for domain in listed(self.get("dns"))]

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return NAME_SERVERS

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex)
        for record in listed(self.get("dns", zone.id, "records")):
            if record["type"].upper() == "TXT" and record["name"].lower() == within:
                yield record["id"], record["value"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"type": "TXT", "name": relative(record.name, zone.apex), "value": record.value}
        self.post("dns", zone.id, "records", **fields, ttl=record.ttl)

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("dns", zone.id, "records", id)
