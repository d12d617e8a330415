"""Domeneshop's API v0, as far as TXT records go (https://api.domeneshop.no/docs/)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, optional, route

TOKEN = "a-token-of-the-test"
RECORD = {"id": optional(int), "type": str, "host": str, "data": str, "ttl": optional(int)}


class Domeneshop(Fake):
    """``elsewhere`` has the domains that are registered there, but have their DNS with others."""

    prefix = "/v0"
    hosts = ("api.domeneshop.no",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.elsewhere: set[str] = set()

    def admit(self, request: Request) -> None:
        pair = b64encode(f"{TOKEN}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            raise Refusal(401, "Unauthorized")

    def error(self, refusal: Refusal) -> Any:
        return {"code": f"error:{refusal.status}", "help": refusal.message}

    @route("GET", "/domains", query=["domain"])
    def list_domains(self, request: Request) -> Answer:
        """The filter is a part of the name."""
        part = request.query.get("domain", "")
        return Answer(200, [self._domain(apex) for apex in self.zones if part in apex])

    @route("GET", "/domains/{id}")
    def show_domain(self, request: Request, id: str) -> Answer:
        return Answer(200, self._domain(self.zone(id).apex))

    @route("GET", "/domains/{id}/dns", query=["host", "type"])
    def list_records(self, request: Request, id: str) -> Answer:
        zone = self.zone(id)
        shown = [_shown(record, zone.apex) for record in zone.records]
        return Answer(200, [each for each in shown if {**each, **request.query} == each])

    @route("POST", "/domains/{id}/dns", fields=RECORD)
    def create(self, request: Request, id: str) -> Answer:
        zone, body = self.zone(id), request.body
        ttl = body.get("ttl", 3600)
        if not 60 <= ttl <= 604800 or ttl % 60:
            raise Refusal(400, f"ttl: {ttl} is not a multiple of 60, from 60 to 604800")
        if not body["host"] or body["host"].endswith(zone.apex):
            raise Refusal(400, "host: has to be within the domain, or @")
        name = zone.apex if body["host"] == "@" else f"{body['host']}.{zone.apex}"
        if any(record.value == body["data"] for record in zone.texts(name)):
            raise Refusal(409, "The record collides with another one")
        record = self.add(zone, name, body["data"], ttl, body["type"])
        return Answer(201, {"id": int(record.id)}, {"Location": f"{self.url}/domains/{id}/dns/{record.id}"})

    @route("DELETE", "/domains/{id}/dns/{record}")
    def delete(self, request: Request, id: str, record: str) -> Answer:
        zone = self.zone(id)
        if not any(each.id == record for each in zone.records):
            raise Refusal(404, "No such record")
        zone.records[:] = [each for each in zone.records if each.id != record]
        return Answer(204)

    def _domain(self, apex: str) -> Mapping[str, Any]:
        services = {"registrar": True, "dns": apex not in self.elsewhere, "email": False, "webhotel": "none"}
        about = {"status": "active", "renew": True, "nameservers": ["ns1.hyp.net"]}
        return {"id": int(self.zones[apex].id), "domain": apex, "services": services, **about}


def _shown(record: Record, apex: str) -> Mapping[str, Any]:
    host = record.name.removesuffix(apex).rstrip(".") or "@"
    return {"id": int(record.id), "host": host, "type": record.type, "data": record.value, "ttl": record.ttl}
