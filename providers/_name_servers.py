"""The name servers that an API's copy of a zone is for: the doctor compares them with the delegation."""

from __future__ import annotations

from collections.abc import Iterable

from .base import Zone, ZoneApex, dns_name
from .records import ZoneProvider


class ShowsNameServers(ZoneProvider):
    """What a provider has that tells the NS names of each of its zones (``base.ShowsApex``)."""

    def name_servers(self, zone: Zone) -> Iterable[str]:
        """The NS names: those of the zone's own NS records, or that the API wants it delegated to."""
        raise NotImplementedError

    def apex_of(self, zone: Zone) -> ZoneApex:
        return self.attempt(zone.apex, lambda: ZoneApex(tuple(map(dns_name, self.name_servers(zone)))))
