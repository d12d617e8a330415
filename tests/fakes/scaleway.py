"""Scaleway's API for DNS, v2beta1, as far as TXT records go
(https://www.scaleway.com/en/developers/api/domains-and-dns/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route
from .texts import quoted, unquoted

CHANGES = {
    "changes": list,
    "return_all_records": optional(bool),
    "disallow_new_zone_creation": optional(bool),
}
KINDS = {401: "denied_authentication", 403: "permissions_denied", 404: "not_found", 429: "too_many_requests"}
PAGED = ("page", "page_size", "order_by", "project_id", "organization_id")


class Scaleway(Fake):
    """The apex's name is empty; one that ends with the zone's and a dot is an FQDN. Values come back
    quoted, and a zone that is nobody's is forbidden. A zone has a domain, and a subdomain perhaps. A
    change is done as a whole or not at all."""

    prefix = "/domain/v2beta1"
    hosts = ("api.scaleway.com",)
    gone = 403

    def admit(self, request: Request) -> None:
        if request.headers.get("X-Auth-Token") != self.token:
            raise Refusal(401, "authentication is denied")

    def error(self, refusal: Refusal) -> Any:
        return {"type": KINDS.get(refusal.status, "invalid_arguments"), "message": refusal.message}

    @route("GET", "/dns-zones", query=["domain", "dns_zone", *PAGED])
    def list_zones(self, request: Request) -> Answer:
        wanted = request.query.get("dns_zone") or request.query.get("domain")
        fitting = [self._zone(zone) for zone in self.zones.values() if wanted in (None, zone.apex)]
        return self._list("dns_zones", fitting, request)

    @route("GET", "/dns-zones/{zone}/records", query=["name", "type", "id", *PAGED])
    def list_records(self, request: Request, zone: str) -> Answer:
        holder, query = self._named(zone), request.query
        shown = [_record(holder, record) for record in holder.records]
        wanted = {key: query[key] for key in ("name", "type", "id") if query.get(key)}
        return self._list("records", [each for each in shown if wanted.items() <= each.items()], request)

    @route("PATCH", "/dns-zones/{zone}/records", fields=CHANGES)
    def change(self, request: Request, zone: str) -> Answer:
        holder = self._named(zone)
        before = [*holder.records]
        try:
            for change in request.body["changes"]:
                ((kind, what),) = change.items()
                {"add": self._add, "delete": self._delete}[kind](holder, what)
        except Refusal:
            holder.records[:] = before
            raise
        return Answer(200, {"records": [_record(holder, record) for record in holder.records]})

    def _add(self, zone: Zone, what: Mapping[str, Any]) -> None:
        for record in what["records"]:
            if record["type"] != "TXT" or record["ttl"] < 60 or "@" in record["name"]:
                raise Refusal(400, "invalid argument(s): name, type or ttl")
            name = f"{record['name']}.{zone.apex}" if record["name"] else zone.apex
            if record["name"].endswith(f"{zone.apex}."):
                name = record["name"].rstrip(".")
            value = unquoted(record["data"])
            if value in {text.value for text in zone.texts(name)}:
                raise Refusal(400, "invalid argument(s): the record already exists")
            self.add(zone, name, value, record["ttl"])

    def _delete(self, zone: Zone, what: Mapping[str, Any]) -> None:
        wanted = what.get("id_fields", what)
        gone = [each for each in zone.records if _matches(_record(zone, each), wanted)]
        if not gone:
            raise Refusal(400, "invalid argument(s): there is no such record")
        zone.records[:] = [record for record in zone.records if record not in gone]

    def _named(self, apex: str) -> Zone:
        if apex not in self.zones:
            raise Refusal(403, "insufficient permissions: read domain-record")
        return self.zones[apex]

    def _list(self, key: str, items: Sequence[Any], request: Request) -> Answer:
        size = int(request.query.get("page_size", 20))
        shown, _, pages = self.page(items, int(request.query.get("page", 1)), size)
        return Answer(200, {key: shown, "total_count": pages * size if self.repeats else len(items)})

    def _zone(self, zone: Zone) -> Mapping[str, Any]:
        subdomain, _, parent = zone.apex.partition(".")
        domain, within = (parent, subdomain) if parent == "example.com" else (zone.apex, "")
        servers = {"ns": [*self.name_servers], "ns_default": ["ns0.dom.scw.cloud"], "ns_master": []}
        return {"domain": domain, "subdomain": within, **servers, "status": "active", "project_id": "p"}


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    name = record.name.removesuffix(zone.apex).rstrip(".")
    fields = {"name": name, "type": record.type, "data": quoted(record.value), "ttl": record.ttl}
    return {"id": f"0b8c-{record.id}", **fields, "priority": 0, "comment": None}


def _matches(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """A value may be said with its quotes or without."""
    return all(
        value is None or unquoted(str(shown[key])) == unquoted(str(value)) for key, value in wanted.items()
    )
