"""Civo's API v2, as far as TXT records go (https://www.civo.com/api/dns, and Civo's own client civogo)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route

RECORD = {
    "type": str,
    "name": str,
    "value": str,
    "ttl": optional(int),
    "priority": optional(int),
    "region": optional(str),
}
CODES = {401: "authentication_invalid_key", 404: "database_dns_domain_not_found", 429: "rate_limited"}


class Civo(Fake):
    """Lists have one page. Its own client says a region with every call, which DNS has none of."""

    prefix = "/v2"
    hosts = ("api.civo.com",)

    def admit(self, request: Request) -> None:
        if request.headers.get("Authorization", "").lower() != f"bearer {self.token}":
            raise Refusal(401, "The API key provided is invalid")

    def error(self, refusal: Refusal) -> Any:
        return {"code": CODES.get(refusal.status, "parameter_invalid"), "reason": refusal.message}

    @route("GET", "/dns", query=["region"])
    def list_domains(self, request: Request) -> Answer:
        found = [
            {"id": zone.id, "account_id": "an-account", "name": zone.apex} for zone in self.zones.values()
        ]
        return Answer(200, found)

    @route("GET", "/dns/{domain}/records", query=["region"])
    def list_records(self, request: Request, domain: str) -> Answer:
        zone = self.zone(domain)
        return Answer(200, [_shown(zone, record) for record in zone.records])

    @route("POST", "/dns/{domain}/records", fields=RECORD)
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), request.body
        if body.get("ttl", 600) < 600:
            raise Refusal(400, "TTL must be at least 600")
        if body["type"].lower() not in ("a", "aaaa", "cname", "mx", "ns", "srv", "txt"):
            raise Refusal(400, "The record type is invalid")
        name = zone.apex if body["name"] == "@" else f"{body['name']}.{zone.apex}"
        record = self.add(zone, name, body["value"], body.get("ttl", 600), body["type"].upper())
        return Answer(200, _shown(zone, record))

    @route("DELETE", "/dns/{domain}/records/{id}", query=["region"])
    def delete(self, request: Request, domain: str, id: str) -> Answer:
        zone = self.zone(domain)
        if not any(record.id == id for record in zone.records):
            raise Refusal(404, "Failed to find the record within the internal database")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return Answer(200, {"result": "success"})

    def zone(self, key: str) -> Zone:
        for zone in self.zones.values():
            if key == zone.id:
                return zone
        raise Refusal(404, "Failed to find the DNS domain within the internal database")


def _shown(zone: Zone, record: Record) -> Mapping[str, Any]:
    where = {"account_id": "an-account", "domain_id": zone.id}
    name = record.name.removesuffix(zone.apex).rstrip(".") or "@"
    data = {"name": name, "value": record.value, "type": record.type.lower(), "ttl": record.ttl}
    return {"id": record.id, **where, **data, "priority": 0, "created_at": "2026-01-01T00:00:00Z"}
