"""Hostinger's API, as far as TXT RRsets go (https://developers.hostinger.com)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Record, Refusal, Request, Zone, optional, route
from .lists import TakesLists
from .texts import quoted, unquoted

WHICH = {"name": str, "type": str}
RRSET = {**WHICH, "ttl": int, "records": list}
RECORD = {"content": str, "is_disabled": optional(bool)}


class Hostinger(TakesLists):
    """A zone is read as a whole. ``overwrite`` (the default) is about the RRsets that are said; without
    it, values are added, and their TTL becomes that of all. ``disabled`` has the records' ids that are
    switched off; ``foreign`` the zones that are registered elsewhere."""

    hosts = ("developers.hostinger.com",)
    invalid = 422

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.disabled: set[str] = set()
        self.foreign: set[str] = set()

    def error(self, refusal: Refusal) -> Any:
        if refusal.status == 422:
            about = {"message": "The request is invalid.", "errors": {"zone.0": [refusal.message]}}
            return {**about, "correlation_id": "26a91bd9-f8c8-4a83-9df9-83e23d696fe3"}
        return {"error": refusal.message, "correlation_id": "26a91bd9-f8c8-4a83-9df9-83e23d696fe3"}

    @route("GET", "/api/domains/v1/portfolio")
    def portfolio(self, request: Request) -> Answer:
        apexes = [apex for apex in self.zones if apex not in self.foreign]
        about = {"type": "domain", "status": "active"}
        return Answer(200, [{"id": 1, "domain": apex, **about} for apex in apexes])

    @route("GET", "/api/dns/v1/zones/{domain}")
    def read(self, request: Request, domain: str) -> Answer:
        zone = self.zone(domain)
        names = dict.fromkeys((record.name, record.type) for record in zone.records)
        return Answer(200, [self._rrset(zone, name, type) for name, type in names])

    @route("PUT", "/api/dns/v1/zones/{domain}", fields={"overwrite": optional(bool), "zone": list})
    def write(self, request: Request, domain: str) -> Answer:
        zone, overwrite = self.zone(domain), request.body.get("overwrite", True)
        for rrset in self.each(request.body["zone"], RRSET):
            name, there = self._owner(zone, rrset), self._there(zone, rrset)
            records = list(self.each(rrset["records"], RECORD))
            had = set() if overwrite else {record.value for record in there}
            values = [unquoted(record["content"]) for record in records]
            if rrset["ttl"] < 60 or not values or len(set(values)) < len(values) or had & set(values):
                raise Refusal(422, "[DNS:4008] DNS resource record is not valid or conflicts with another")
            if overwrite:
                zone.records[:] = [record for record in zone.records if record not in there]
            for record in () if overwrite else there:
                record.ttl = rrset["ttl"]
            for value, each in zip(values, records, strict=True):
                added = self.add(zone, name, value, rrset["ttl"], rrset["type"])
                self.disabled |= {added.id} if each.get("is_disabled") else set()
        return Answer(200, {"message": "Request accepted"})

    @route("DELETE", "/api/dns/v1/zones/{domain}", fields={"filters": list})
    def delete(self, request: Request, domain: str) -> Answer:
        zone = self.zone(domain)
        for rrset in self.each(request.body["filters"], WHICH):
            there = self._there(zone, rrset)
            zone.records[:] = [record for record in zone.records if record not in there]
        return Answer(200, {"message": "Request accepted"})

    def _there(self, zone: Zone, rrset: Mapping[str, Any]) -> Sequence[Record]:
        wanted = (self._owner(zone, rrset), rrset["type"])
        return [record for record in zone.records if (record.name, record.type) == wanted]

    def _owner(self, zone: Zone, rrset: Mapping[str, Any]) -> str:
        if rrset["name"].endswith("."):
            raise Refusal(422, "The name has to be within the zone.")
        return zone.apex if rrset["name"] == "@" else f"{rrset['name']}.{zone.apex}"

    def _rrset(self, zone: Zone, name: str, type: str) -> Mapping[str, Any]:
        there = [record for record in zone.records if (record.name, record.type) == (name, type)]
        records = [
            {"content": quoted(record.value), "is_disabled": record.id in self.disabled} for record in there
        ]
        within = name.removesuffix(zone.apex).rstrip(".") or "@"
        return {"name": within, "records": records, "ttl": there[0].ttl, "type": type}
