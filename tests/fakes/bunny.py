"""bunny.net's API, as far as TXT records go (https://docs.bunny.net/reference/dnszonepublic_index)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route

RECORD = {
    "Type": int,
    "Name": str,
    "Value": str,
    "Ttl": int,
    "Disabled": optional(bool),
    "Comment": optional(str),
}
TXT = 3


class Bunny(Fake):
    """A zone comes with all of its records. A type is a number, the apex's name is empty, and an error's
    text has a capital letter."""

    hosts = ("api.bunny.net",)

    def admit(self, request: Request) -> None:
        given = {name.lower(): value for name, value in request.headers.items()}
        if given.get("accesskey") != self.token:
            raise Refusal(401, "Authorization has been denied for this request.")

    def error(self, refusal: Refusal) -> Any:
        return {"ErrorKey": "validation_error", "Field": "Record", "Message": refusal.message}

    @route("GET", "/dnszone", query=["page", "perPage", "search"])
    def list_zones(self, request: Request) -> Answer:
        size = int(request.query.get("perPage", 1000))
        if not 5 <= size <= 1000:
            raise Refusal(400, "perPage has to be between 5 and 1000")
        fitting = [zone for zone in self.zones.values() if request.query.get("search", "") in zone.apex]
        zones, number, pages = self.page(fitting, int(request.query.get("page", 1)), size)
        shown = [self._zone(zone) for zone in zones]
        more = {"HasMoreItems": number < pages, "TotalItems": len(fitting), "CurrentPage": number}
        return Answer(200, {"Items": shown, **more})

    @route("GET", "/dnszone/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        return Answer(200, self._zone(self._by_id(zone)))

    @route("PUT", "/dnszone/{zone}/records", fields=RECORD)
    def create(self, request: Request, zone: str) -> Answer:
        holder, body = self._by_id(zone), request.body
        if body["Type"] != TXT or body["Ttl"] < 15:
            raise Refusal(400, "Type or Ttl is not one of those that there are")
        if "@" in body["Name"]:
            raise Refusal(400, "The name is not valid")
        name = f"{body['Name']}.{holder.apex}" if body["Name"] else holder.apex
        return Answer(201, _record(holder, self.add(holder, name, body["Value"], body["Ttl"])))

    @route("DELETE", "/dnszone/{zone}/records/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        holder = self._by_id(zone)
        if not any(record.id == id for record in holder.records):
            raise Refusal(404, "The requested record was not found")
        holder.records[:] = [record for record in holder.records if record.id != id]
        return Answer(204)

    def _by_id(self, id: str) -> Zone:
        for zone in self.zones.values():
            if zone.id == id:
                return zone
        raise Refusal(404, "The requested DNS zone was not found")

    def _zone(self, zone: Zone) -> Mapping[str, Any]:
        about = {"Id": int(zone.id), "Domain": zone.apex, "DnsSecEnabled": False}
        hosts = dict(zip(("Nameserver1", "Nameserver2"), self.name_servers, strict=False))
        return {**about, **hosts, "Records": [_record(zone, record) for record in zone.records]}


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    name = record.name.removesuffix(zone.apex).rstrip(".")
    fields = {"Type": TXT, "Name": name, "Value": record.value, "Ttl": record.ttl}
    return {"Id": int(record.id), **fields, "Disabled": False, "Comment": ""}
