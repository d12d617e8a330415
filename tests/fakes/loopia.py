"""Loopia's API, as far as TXT records go (https://support.loopia.com/wiki/loopiaapi-overview/)."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, route

FIELDS = {"type": str, "ttl": int, "priority": int, "rdata": str, "record_id": int}
CODES = {401: "AUTH_ERROR", 403: "AUTH_ERROR", 429: "RATE_LIMITED", 400: "BAD_INDATA"}


class Loopia(Fake):
    """XML-RPC, and 200 for everything. A method is routed here as if it were one of HTTP:
    ``CALL /addZoneRecord/example.com/www``. A subdomain without records is kept (``subdomains``)."""

    prefix = "/RPCSERV"
    hosts = ("api.loopia.se",)
    unexpected: ClassVar[Any] = xmlrpc.client.dumps(({"unexpected": True},), methodresponse=True).encode()
    user = "me@loopiaapi"
    gone = 400  # is UNKNOWN_ERROR

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.subdomains: set[str] = set()

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        if (request.method, request.path) != ("POST", self.prefix) or not isinstance(request.body, str):
            return Answer(404, b""), None
        parameters, method = xmlrpc.client.loads(request.body)
        who, where, rest = parameters[:2], parameters[2:4], parameters[4:]
        path = "/".join(["", str(method), *map(str, where)])
        body = {"parameters": list(rest)} if rest else None
        headers = {"User": who[0], "Password": who[1]}
        answer, fault = super().respond(
            request._replace(method="CALL", path=path, headers=headers, body=body)
        )
        if not isinstance(answer.body, bytes):
            answer = answer._replace(body=_value(answer.body))
        return answer, fault

    def admit(self, request: Request) -> None:
        if (request.headers["User"], request.headers["Password"]) != (self.user, self.token):
            raise Refusal(200, "AUTH_ERROR")

    def error(self, refusal: Refusal) -> Any:
        """A code, or a fault for what it has none for."""
        if refusal.message.isupper():
            return _value(refusal.message)
        fault = xmlrpc.client.Fault(refusal.status, refusal.message)
        return xmlrpc.client.dumps(fault, methodresponse=True).encode()

    @route("CALL", "/getDomains", writes=False)
    def list_domains(self, request: Request) -> Answer:
        domains = [{"domain": zone.apex, "registered": 1, "paid": 1} for zone in self.zones.values()]
        return Answer(200, domains)

    @route("CALL", "/getZoneRecords/{domain}/{sub}", writes=False)
    def list_records(self, request: Request, domain: str, sub: str) -> Answer:
        found = [record for record in self.with_ns(self.zone(domain)) if record.name == _name(domain, sub)]
        return Answer(200, list(map(_shown, found)))

    @route("CALL", "/addZoneRecord/{domain}/{sub}", fields={"parameters": list})
    def create(self, request: Request, domain: str, sub: str) -> Answer:
        zone, (record,) = self.zone(domain), request.body["parameters"]
        if {name: type(value) for name, value in record.items()} != FIELDS or record["ttl"] < 300:
            raise Refusal(200, "BAD_INDATA")
        self.subdomains.add(_name(domain, sub))
        self.add(zone, _name(domain, sub), record["rdata"], record["ttl"], record["type"])
        return Answer(200, "OK")

    @route("CALL", "/removeZoneRecord/{domain}/{sub}", fields={"parameters": list})
    def delete(self, request: Request, domain: str, sub: str) -> Answer:
        zone, (id,) = self.zone(domain), request.body["parameters"]
        gone = [each for each in zone.texts(_name(domain, sub)) if type(id) is int and int(each.id) == id]
        if not gone:
            raise Refusal(200, "UNKNOWN_ERROR")
        zone.records.remove(gone[0])
        return Answer(200, "OK")

    @route("CALL", "/removeSubdomain/{domain}/{sub}", writes=True)
    def remove_subdomain(self, request: Request, domain: str, sub: str) -> Answer:
        """As lego does with the last record."""
        zone = self.zone(domain)
        self.subdomains.discard(_name(domain, sub))
        zone.records[:] = [record for record in zone.records if record.name != _name(domain, sub)]
        return Answer(200, "OK")

    def zone(self, key: str) -> Zone:
        if key not in self.zones:
            raise Refusal(200, "UNKNOWN_ERROR")
        return self.zones[key]


def _name(domain: str, sub: str) -> str:
    return domain if sub == "@" else f"{sub}.{domain}"


def _value(value: Any) -> bytes:
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()


def _shown(record: Record) -> Mapping[str, Any]:
    what = {"type": record.type, "ttl": record.ttl, "rdata": record.value}
    return {**what, "priority": 0, "record_id": int(record.id)}
