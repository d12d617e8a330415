"""IONOS, record by record: the DNS of its hosting (IONOS Cloud has another API).

Unverified: what a duplicate gets (it is looked for before it is said to be an error), and the rate limit,
which IONOS does not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigError
from ._name_servers import ListsNameServers
from ._zone_ids import ChecksZoneIds
from .base import Option, Profile, TxtRecord, Zone, dns_name
from .records import RecordProvider
from .rest import Rest, base_url, listed


class Provider(Rest, ChecksZoneIds, ListsNameServers, RecordProvider):
    """With an API key, which is for all zones of its contract."""

    title = "IONOS"
    docs = "https://developer.hosting.ionos.com/docs/dns"
    permission = "an API key: its public prefix, a dot, and its secret"
    options = (
        Option(
            "key",
            ("IONOS_API_KEY",),
            "API key; of acme.sh's variables it is IONOS_PREFIX, a dot and IONOS_SECRET",
            required=True,
            secret=True,
        ),
        base_url("IONOS_BASE_URL", "https://api.hosting.ionos.com/dns/v1"),
    )
    profile = Profile(timeout=900)  # its name servers can be slow
    least_ttl = 60

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError for half of a key."""
        super().__init__(options)
        if "." not in options["key"]:
            raise ConfigError(
                "IONOS_API_KEY has no dot in it",
                "it is the public prefix, a dot, and the secret: IONOS shows both when a key is made",
            )

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"X-API-Key": self.given["key"]}

    def zones(self) -> Iterable[Zone]:
        """The primary zones: one that is copied from other servers takes no records."""
        found = listed(self.get("zones"))
        return [Zone(zone["name"], zone["id"]) for zone in found if zone.get("type") != "SLAVE"]

    def apex_with_id(self, id: str) -> Any:
        return self.get("zones", id, recordType="NS")["name"]

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        for record in listed(self.get("zones", zone.id, recordName=name, recordType=type)["records"]):
            if (dns_name(record["name"]), record["type"]) == (name, type):
                yield record["id"], record["content"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        fields = {"name": record.name, "type": "TXT", "content": record.value, "ttl": record.ttl}
        with self.unless(lambda: self.lists(zone, record)):
            self.request("POST", ("zones", zone.id, "records"), body=[fields])

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self.delete_at("zones", zone.id, "records", id)
