"""LuaDNS' API v1, as far as TXT records go (https://luadns.com/api.html)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route

USER = "joe@example.com"
RECORD = {"name": str, "type": str, "content": str, "ttl": int, "zone_id": optional(int)}
PAGED = ("query", "sort_by", "sort_order", "limit", "page")


class LuaDns(Fake):
    """A list has all that there is, unless there is a limit. A name is an FQDN with its dot. What is
    deleted comes back once more."""

    prefix = "/v1"
    hosts = ("api.luadns.com",)
    unexpected: ClassVar[Any] = [{"unexpected": True}]

    def admit(self, request: Request) -> None:
        pair = b64encode(f"{USER}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            raise Refusal(401, "Unauthorized")

    def error(self, refusal: Refusal) -> Any:
        return {"status": "Error", "request_id": "0", "message": refusal.message}

    @route("GET", "/zones", query=PAGED)
    def list_zones(self, request: Request) -> Answer:
        return self._list([{"id": int(zone.id), "name": zone.apex} for zone in self.zones.values()], request)

    @route("GET", "/zones/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        holder = self._by_id(zone)
        return Answer(200, {"id": int(holder.id), "name": holder.apex, "records": []})

    @route("GET", "/zones/{zone}/records", query=PAGED)
    def list_records(self, request: Request, zone: str) -> Answer:
        holder = self._by_id(zone)
        return self._list([_record(holder, record) for record in self.with_ns(holder)], request)

    @route("POST", "/zones/{zone}/records", fields=RECORD)
    def create(self, request: Request, zone: str) -> Answer:
        holder, body = self._by_id(zone), request.body
        if not body["name"].endswith("."):
            raise Refusal(400, "name has to be fully qualified")
        if body["ttl"] < 300:
            raise Refusal(400, "ttl has to be 300 at least")
        record = self.add(holder, body["name"].rstrip("."), body["content"], body["ttl"], body["type"])
        return Answer(200, _record(holder, record))

    @route("DELETE", "/zones/{zone}/records/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        holder = self._by_id(zone)
        gone = [record for record in holder.records if record.id == id]
        if not gone:
            raise Refusal(404, "Record not found")
        holder.records.remove(gone[0])
        return Answer(200, _record(holder, gone[0]))

    def _by_id(self, id: str) -> Zone:
        for zone in self.zones.values():
            if zone.id == id:
                return zone
        raise Refusal(404, "Zone not found")

    def _list(self, items: Sequence[Any], request: Request) -> Answer:
        if "limit" not in request.query:
            return Answer(200, items)
        return Answer(
            200, self.page(items, int(request.query.get("page", 1)), int(request.query["limit"]))[0]
        )


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    fields = {"name": f"{record.name}.", "type": record.type, "content": record.value, "ttl": record.ttl}
    return {"id": int(record.id), **fields, "zone_id": int(zone.id), "generated": False}
