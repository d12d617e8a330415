"""Infomaniak's API v2, as far as TXT records go (https://developer.infomaniak.com/docs/api)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, route
from .texts import quoted, unquoted

RECORD = {"source": str, "type": str, "target": str, "ttl": int}
CODES = {401: "not_authorized", 403: "access_denied", 404: "object_not_found", 429: "too_many_requests"}
PAGE = 100


class Infomaniak(Fake):
    """A zone goes by its name; a value comes back quoted; the apex is a dot. The list of domains is
    the one of version 1."""

    hosts = ("api.infomaniak.com",)

    def error(self, refusal: Refusal) -> Any:
        code = CODES.get(refusal.status, "validation_failed")
        return {"result": "error", "error": {"code": code, "description": refusal.message}}

    @route("GET", "/1/product", query=["service_name", "customer_name", "page", "per_page"])
    def list_products(self, request: Request) -> Answer:
        products = [
            {"id": int(zone.id), "service_name": "domain", "customer_name": apex}
            for apex, zone in self.zones.items()
        ]
        return self._list(products, request)

    @route("GET", "/2/zones/{zone}/exists")
    def exists(self, request: Request, zone: str) -> Answer:
        return _success(200, zone in self.zones)

    @route("GET", "/2/zones/{zone}/records", query=["page", "per_page"])
    def list_records(self, request: Request, zone: str) -> Answer:
        holder = self._named(zone)
        return self._list([_record(holder, record) for record in holder.records], request)

    @route("POST", "/2/zones/{zone}/records", fields=RECORD)
    def create(self, request: Request, zone: str) -> Answer:
        holder, body = self._named(zone), request.body
        if body["type"] != "TXT" or body["ttl"] < 60:
            raise Refusal(422, "type or ttl is not one of those that there are")
        name = holder.apex if body["source"] == "." else f"{body['source']}.{holder.apex}"
        if unquoted(body["target"]) in {record.value for record in holder.texts(name)}:
            raise Refusal(422, "This record already exists")
        record = self.add(holder, name, unquoted(body["target"]), body["ttl"])
        return _success(201, _record(holder, record))

    @route("DELETE", "/2/zones/{zone}/records/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        holder = self._named(zone)
        if not any(record.id == id for record in holder.records):
            raise Refusal(404, "Object not found")
        holder.records[:] = [record for record in holder.records if record.id != id]
        return _success(200, True)

    def _named(self, apex: str) -> Zone:
        if apex not in self.zones:
            raise Refusal(404, "Object not found")
        return self.zones[apex]

    def _list(self, items: Sequence[Any], request: Request) -> Answer:
        shown, number, pages = self.page(items, int(request.query.get("page", 1)), PAGE)
        counted = {"total": len(items), "page": number, "pages": pages, "items_per_page": PAGE}
        return Answer(200, {"result": "success", "data": shown, **counted})


def _success(status: int, data: Any) -> Answer:
    return Answer(status, {"result": "success", "data": data})


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    source = record.name.removesuffix(zone.apex).rstrip(".") or "."
    return {
        "id": int(record.id),
        "source": source,
        "type": record.type,
        "ttl": record.ttl,
        "target": quoted(record.value),
    }
