"""Zones in the memory of this process: for tests. Strict about what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from ..errors import ProviderError
from .base import Option, Profile, TxtRecord, Zone, ZoneApex, is_within
from .records import RecordProvider

RECORDS: dict[str, dict[str, TxtRecord]] = {}
"""apex -> id -> record: what every instance sees."""

_ids = map(str, count(1))


class Provider(RecordProvider):
    """A DNS provider without an API. Like most, it would keep the same record twice."""

    title = "Memory, for tests"
    options = (
        Option("zones", ("DNS01_MEMORY_ZONES",), "the apexes, with commas between", required=True),
        Option("name_servers", ("DNS01_MEMORY_NAME_SERVERS",), "that its zones are said to be delegated to"),
    )
    profile = Profile(rounds=1)

    def __init__(self, options: Mapping[str, str]) -> None:
        self.apexes = [apex.strip() for apex in options["zones"].split(",")]
        self.name_servers = tuple(options.get("name_servers", "").split())
        for apex in self.apexes:
            RECORDS.setdefault(apex, {})

    def zones(self) -> Iterable[Zone]:
        return [Zone(apex) for apex in self.apexes]

    def apex_of(self, zone: Zone) -> ZoneApex:
        return ZoneApex(self.name_servers)

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        found = self._records(zone).items()
        return [(id, record.value) for id, record in found if record.name == name]

    def create(self, zone: Zone, record: TxtRecord) -> None:
        if record.name != record.name.lower().rstrip(".") or not is_within(record.name, zone.apex):
            raise ProviderError(f"memory: {record.name!r} is not the name of a record in {zone.apex}")
        if not record.value or '"' in record.value:
            raise ProviderError(f"memory: {record.value!r} is not the bare value of a TXT record")
        if record.ttl < 1:
            raise ProviderError(f"memory: a TTL of {record.ttl} s is too short")
        self._records(zone)[next(_ids)] = record

    def delete(self, zone: Zone, name: str, id: str) -> None:
        self._records(zone).pop(id, None)

    def _records(self, zone: Zone) -> dict[str, TxtRecord]:
        if zone.apex not in self.apexes:
            raise ProviderError(f"memory: there is no zone {zone.apex}")
        return RECORDS[zone.apex]
