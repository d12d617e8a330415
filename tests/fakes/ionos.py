"""IONOS' hosting API, DNS v1, as far as TXT records go (https://developer.hosting.ionos.com/docs/dns)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Record, Refusal, Request, Zone, optional, route
from .lists import LIST, TakesLists
from .texts import quoted, unquoted

RECORD = {
    "name": str,
    "type": str,
    "content": str,
    "ttl": int,
    "prio": optional(int),
    "disabled": optional(bool),
}
CODES = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "RESOURCE_NOT_FOUND", 429: "RATE_LIMIT_REACHED"}


class Ionos(TakesLists):
    """Lists have one page. A name is an FQDN; a value comes back quoted. PATCH replaces the records of
    each name and type that it has. ``secondary`` has the apexes of zones that are copied from elsewhere."""

    prefix = "/dns/v1"
    hosts = ("api.hosting.ionos.com",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.secondary: set[str] = set()

    def admit(self, request: Request) -> None:
        given = {name.lower(): value for name, value in request.headers.items()}
        if given.get("x-api-key") != f"prefix.{self.token}":
            raise Refusal(401, "The customer is not authorized to do this operation.")

    def error(self, refusal: Refusal) -> Any:
        return [{"code": CODES.get(refusal.status, "INVALID_RECORD"), "message": refusal.message}]

    @route("GET", "/zones")
    def list_zones(self, request: Request) -> Answer:
        return Answer(200, [self._zone(zone) for zone in self.zones.values()])

    @route("GET", "/zones/{zone}", query=["suffix", "recordName", "recordType"])
    def records(self, request: Request, zone: str) -> Answer:
        holder, query = self.zone(zone), request.query
        records = [
            _record(holder, record)
            for record in self.with_ns(holder)
            if query.get("recordName") in (None, record.name)
            and query.get("recordType") in (None, record.type)
            and record.name.endswith(query.get("suffix", ""))
        ]
        return Answer(200, {**self._zone(holder), "records": records})

    @route("POST", "/zones/{zone}/records", fields=LIST)
    def create(self, request: Request, zone: str) -> Answer:
        holder = self.zone(zone)
        wanted = list(self.each(request.body["items"], RECORD))
        for record in wanted:
            self._check(record)
            if record["content"] in {text.value for text in holder.texts(record["name"])}:
                raise Refusal(400, "The record already exists.")
        return Answer(201, [_record(holder, self._put(holder, record)) for record in wanted])

    @route("PATCH", "/zones/{zone}", fields=LIST)
    def replace(self, request: Request, zone: str) -> Answer:
        holder = self.zone(zone)
        wanted = list(
            self.each(request.body["items"], {**RECORD, "id": optional(str), "rootName": optional(str)})
        )
        for record in wanted:
            self._check(record)
        named = {(record["name"], record["type"]) for record in wanted}
        holder.records[:] = [old for old in holder.records if (old.name, old.type) not in named]
        for record in wanted:
            self._put(holder, record)
        return Answer(200)

    @route("DELETE", "/zones/{zone}/records/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        holder = self.zone(zone)
        if not any(record.id == id for record in holder.records):
            raise Refusal(404, "Record does not exist.")
        holder.records[:] = [record for record in holder.records if record.id != id]
        return Answer(200)

    def _check(self, record: Mapping[str, Any]) -> None:
        if record["type"] != "TXT" or record["ttl"] < 60:
            raise Refusal(400, "The record is invalid: its type or its ttl.")

    def _put(self, zone: Zone, record: Mapping[str, Any]) -> Record:
        return self.add(zone, record["name"], unquoted(record["content"]), record["ttl"])

    def _zone(self, zone: Zone) -> Mapping[str, Any]:
        return {
            "id": zone.id,
            "name": zone.apex,
            "type": "SLAVE" if zone.apex in self.secondary else "NATIVE",
        }


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    fields = {
        "name": record.name,
        "rootName": zone.apex,
        "type": record.type,
        "content": quoted(record.value) if record.type == "TXT" else record.value,
    }
    return {"id": record.id, **fields, "ttl": record.ttl, "disabled": False}
