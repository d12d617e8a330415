"""Linode's API v4, as far as TXT records go (https://techdocs.akamai.com/linode-api/reference/)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, route

PAGED = ("page", "page_size")
TTLS = (0, 300, 3600, 7200, 14400, 28800, 57600, 86400, 172800, 345600, 604800, 1209600, 2419200)


class Linode(Fake):
    """The name of a record is relative, and nothing at the apex. A TTL becomes the next one that there
    is. ``slaves`` has the apexes of the zones that are copies of others."""

    prefix = "/v4"
    hosts = ("api.linode.com",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.slaves: set[str] = set()

    def admit(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Invalid Token")

    def error(self, refusal: Refusal) -> Any:
        return {"errors": [{"reason": refusal.message}]}

    @route("GET", "/domains", query=PAGED)
    def list_domains(self, request: Request) -> Answer:
        shown = [self._domain(zone) for zone in self.zones.values()]
        return self._list(shown, request)

    @route("GET", "/domains/{id}")
    def show_domain(self, request: Request, id: str) -> Answer:
        return Answer(200, self._domain(self._zone(id)))

    @route("GET", "/domains/{id}/records", query=PAGED)
    def list_records(self, request: Request, id: str) -> Answer:
        zone = self._zone(id)
        return self._list([_shown(zone, record) for record in self.with_ns(zone)], request)

    @route("POST", "/domains/{id}/records", fields={"type": str, "name": str, "target": str, "ttl_sec": int})
    def create(self, request: Request, id: str) -> Answer:
        zone, body = self._zone(id), request.body
        if zone.apex in self.slaves:
            raise Refusal(400, "Records cannot be added to a slave domain")
        name = f"{body['name']}.{zone.apex}" if body["name"] else zone.apex
        ttl = next(each for each in TTLS if each >= body["ttl_sec"])
        return Answer(200, _shown(zone, self.add(zone, name, body["target"], ttl, body["type"])))

    @route("DELETE", "/domains/{id}/records/{record}")
    def delete(self, request: Request, id: str, record: str) -> Answer:
        zone = self._zone(id)
        if not any(each.id == record for each in zone.records):
            raise Refusal(404, "Not found")
        zone.records[:] = [each for each in zone.records if each.id != record]
        return Answer(200, {})

    def _domain(self, zone: Zone) -> Mapping[str, Any]:
        kind = "slave" if zone.apex in self.slaves else "master"
        return {"id": int(zone.id), "domain": zone.apex, "type": kind}

    def _zone(self, id: str) -> Zone:
        for zone in self.zones.values():
            if zone.id == id:
                return zone
        raise Refusal(404, "Not found")

    def _list(self, items: Sequence[Mapping[str, Any]], request: Request) -> Answer:
        wanted = json.loads(request.headers.get("X-Filter", "{}"))
        fitting = [item for item in items if all(item.get(key) == value for key, value in wanted.items())]
        size = int(request.query.get("page_size", 100))
        if not 25 <= size <= 500:
            raise Refusal(400, "page_size: Must be 25-500")
        # Fewer than are asked for: a list of more than 500 would take the tests a while.
        shown, number, pages = self.page(fitting, int(request.query.get("page", 1)), min(size, 100))
        return Answer(200, {"data": shown, "page": number, "pages": pages, "results": len(fitting)})


def _shown(zone: Zone, record: Record) -> Mapping[str, Any]:
    name = record.name.removesuffix(zone.apex).rstrip(".")
    fields = {"type": record.type, "name": name, "target": record.value, "ttl_sec": record.ttl}
    return {"id": int(record.id), **fields}
