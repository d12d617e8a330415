"""Whose a zone's id is, where it is the configuration's word and not the API's own."""

from __future__ import annotations

from typing import Any

from ..errors import AuthRejected, ZoneNotFound
from .base import Zone, dns_name
from .records import ZoneProvider
from .rest import Refused


class ChecksZoneIds(ZoneProvider):
    """Base of providers that write into whatever zone has the id (``base.ChecksIds``): relative names, or
    whole ones of which the API does not promise to refuse those from elsewhere."""

    def apex_with_id(self, id: str) -> Any:
        """The API's name for the zone with that id; empty, or NotFound, where none is seen. An API that
        cannot be asked for one zone tells it in its list."""
        return next((zone.apex for zone in self.zones_seen() if zone.id == id), "")

    def check_id(self, zone: Zone) -> None:
        refused = f"the id {zone.id} that is configured for the zone {zone.apex}"
        remedy = f'correct `id` in [zone."{zone.apex}"] (`zone_id` in an inventory), or leave it out'
        try:
            found = self.attempt(zone.apex, lambda: dns_name(self.apex_with_id(zone.id)))
        except AuthRejected as error:
            raise type(error)(f"{error}; asked for was {refused}", f"{error.hint}; or {remedy}") from error
        except Refused as refusal:
            raise ZoneNotFound(f"{self.whose}: {refused} is none that it sees ({refusal})", remedy) from None
        if found != zone.apex:
            belongs = f"belongs to the zone {found}" if found else "is none that it sees"
            raise ZoneNotFound(f"{self.whose}: {refused} {belongs}", remedy)
