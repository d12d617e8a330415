"""Gandi's LiveDNS (v5), which replaces whole RRsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ._character_strings import quoted
from ._name_servers import ShowsNameServers
from .base import Option, Zone, relative
from .rest import Rest, base_url, listed
from .rrsets import RRset, RRsetProvider


class Provider(Rest, ShowsNameServers, RRsetProvider):
    """With a personal access token, or with an API key of former days."""

    title = "Gandi LiveDNS"
    docs = "https://api.gandi.net/docs/livedns/"
    permission = "“Manage domain name technical configurations”, limited to the domain"
    options = (
        Option(
            "token",
            ("GANDIV5_PERSONAL_ACCESS_TOKEN", "GANDI_LIVEDNS_TOKEN"),
            "personal access token",
            secret=True,
        ),
        Option("key", ("GANDIV5_API_KEY", "GANDI_LIVEDNS_KEY"), "or: a deprecated API key", secret=True),
        base_url("GANDIV5_BASE_URL", "https://api.gandi.net/v5/livedns"),
    )
    remedies: ClassVar[Mapping[str, str]] = {
        r"access was denied": (
            "see that the token of {variables} has not expired and may manage {about}, and that the domain"
            " is on LiveDNS"
        ),
    }
    least_ttl = 300
    zones_at_once = 4
    spell = staticmethod(quoted)

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if "token" in self.given:
            return super().credentials(method, url, body)
        return {"Authorization": f"Apikey {self.given['key']}"}

    def after(self, page: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"page": asked["page"] + 1} if len(page) == asked["per_page"] else {}

    def zones(self) -> Iterable[Zone]:
        for page in self.pages("domains", page=1, per_page=100):
            yield from (Zone(domain["fqdn"]) for domain in page)

    def zone_at(self, apex: str) -> Zone | None:
        found = self.get_if_there("domains", apex)
        return Zone(found["fqdn"]) if found else None

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return listed(self.get("domains", zone.apex, "nameservers"))

    def read(self, zone: Zone, name: str) -> RRset | None:
        found = self.get_if_there(*_rrset(zone, name))
        return RRset(tuple(found["rrset_values"]), found["rrset_ttl"]) if found else None

    def check_zone(self, zone: Zone) -> None:
        self.get("domains", zone.apex)

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        if new:
            # Without its TTL, the RRset would get the one that is usual at Gandi.
            self.put(*_rrset(zone, name), rrset_values=new.values, rrset_ttl=new.ttl)
        else:
            self.delete_at(*_rrset(zone, name))


def _rrset(zone: Zone, name: str) -> tuple[str, ...]:
    return ("domains", zone.apex, "records", relative(name, zone.apex), "TXT")
