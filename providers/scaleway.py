"""Scaleway Domains and DNS, record by record.

Unverified: what a duplicate gets, the least TTL, and the rate limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ._character_strings import quoted
from ._name_servers import ShowsNameServers
from .base import Option, TxtRecord, Zone, relative
from .records import RecordProvider
from .rest import Rest, base_url, listed

PAGE = 100


class Provider(Rest, ShowsNameServers, RecordProvider):
    """With the secret key of an API key."""

    title = "Scaleway"
    docs = "https://www.scaleway.com/en/developers/api/domains-and-dns/"
    permission = "an API key whose policy has the permission set DomainsDNSFullAccess for the zone's project"
    options = (
        Option(
            "secret_key",
            ("SCW_SECRET_KEY", "SCALEWAY_API_TOKEN"),
            "secret key of the API key",
            required=True,
            secret=True,
        ),
        Option(
            "project_id",
            ("SCW_PROJECT_ID", "SCALEWAY_PROJECT_ID"),
            "the zones' project, for a key of several",
        ),
        base_url("SCALEWAY_BASE_URL", "https://api.scaleway.com/domain/v2beta1"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"domain not found": (
            "see that the zone is in the project of the key (SCW_PROJECT_ID), and is active there"
        ),
    }
    least_ttl = 60

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"X-Auth-Token": self.given["secret_key"]}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"page": asked["page"] + 1} if asked["page"] * PAGE < page["total_count"] else {}

    def zones(self) -> Iterable[Zone]:
        return map(_zone, self._zones())

    def zone_at(self, apex: str) -> Zone | None:
        return next((zone for zone in map(_zone, self._zones(dns_zone=apex)) if zone.apex == apex), None)

    def name_servers(self, zone: Zone) -> Iterable[str]:
        (found,) = (each for each in self._zones(dns_zone=zone.apex) if _zone(each) == zone)
        return listed(found["ns"])

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        within = relative(name, zone.apex, "")
        wanted = {"type": "TXT", **({"name": within} if within else {})}
        for record in self.items("records", *_records(zone), page=1, page_size=PAGE, **wanted):
            if (record["type"], record["name"]) == ("TXT", within):
                yield record["id"], record["data"]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        name = relative(record.name, zone.apex, "")
        made = {"name": name, "type": "TXT", "data": quoted(record.value), "ttl": record.ttl}
        with self.unless(lambda: self.lists(zone, record)):
            self._change(zone, {"add": {"records": [made]}})

    def delete(self, zone: Zone, name: str, id: str) -> None:
        with self.unless(lambda: id not in dict(self.texts(zone, name))):
            self._change(zone, {"delete": {"id": id}})

    def _zones(self, **wanted: str) -> Iterable[Any]:
        if project := self.given.get("project_id"):
            wanted["project_id"] = project
        return self.items("dns_zones", "dns-zones", page=1, page_size=PAGE, **wanted)

    def _change(self, zone: Zone, change: Mapping[str, Any]) -> None:
        """All of it or nothing. A zone that is not there would be made."""
        body = {"changes": [change], "return_all_records": False, "disallow_new_zone_creation": True}
        self.request("PATCH", _records(zone), body=body)


def _zone(found: Mapping[str, Any]) -> Zone:
    """A zone may be one of a subdomain."""
    return Zone(f"{found['subdomain']}.{found['domain']}".lstrip("."))


def _records(zone: Zone) -> tuple[str, ...]:
    return ("dns-zones", zone.apex, "records")
