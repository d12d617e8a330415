"""The name servers that an API's copy of a zone is for: the doctor compares them with the delegation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .base import Zone, ZoneApex, dns_name
from .records import ZoneProvider

HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")  # RFC 1035 §2.3.4


class ShowsNameServers(ZoneProvider):
    """Base of providers that tell the NS names of each of their zones (``base.ShowsApex``)."""

    def name_servers(self, zone: Zone) -> Iterable[str]:
        """The NS names: those of the zone's own NS records, or that the API wants it delegated to."""
        raise NotImplementedError

    def apex_of(self, zone: Zone) -> ZoneApex:
        return self.attempt(zone.apex, lambda: ZoneApex(host_names(self.name_servers(zone))))


class ListsNameServers(ShowsNameServers):
    """Base of providers whose API lists the NS records of the apex as it does TXT records."""

    def records_at(self, zone: Zone, name: str, type: str) -> Iterable[tuple[str, str]]:
        """Id and value of the records of that type at the name, as ``texts`` has them."""
        raise NotImplementedError

    def name_servers(self, zone: Zone) -> Iterable[str]:
        return [value for _, value in self.records_at(zone, zone.apex, "NS")]

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        """Id and value of the TXT records at the name."""
        return self.records_at(zone, name, "TXT")


def host_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names as the DNS has them, each once. Raises ValueError or TypeError for what is no host's name:
    it would be looked up, and shown to a person."""
    hosts = dict.fromkeys(map(dns_name, names))
    for host in hosts:
        if not HOST.fullmatch(host):
            raise ValueError(f"{host[:300]!r} is no name server's name")
    return tuple(hosts)
