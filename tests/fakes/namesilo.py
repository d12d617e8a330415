"""NameSilo's API, as far as TXT records go (https://www.namesilo.com/api-reference)."""

from __future__ import annotations

from typing import Any, ClassVar
from xml.sax.saxutils import escape

from . import Answer, Fake, Fault, Record, Refusal, Request, route

HEAD = ("version", "type", "key")
CODES = {400: 280, 401: 110, 404: 200}
LONGEST = 2592000  # seconds


class NameSilo(Fake):
    """Everything is GET, and 200 the answer to all of it, with a code of its own. A call is routed here
    with its domain: ``GET /dnsListRecords/example.com``."""

    prefix = "/api"
    hosts = ("www.namesilo.com",)
    unexpected: ClassVar[Any] = b'<?xml version="1.0"?><namesilo><request/></namesilo>'

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        path = "/".join(filter(None, (request.path, request.query.get("domain"))))
        answer, fault = super().respond(request._replace(path=path))
        return answer._replace(status=200 if answer.status in CODES else answer.status), fault

    def admit(self, request: Request) -> None:
        given = request.query
        if (given.get("version"), given.get("type")) != ("1", "xml"):
            raise Refusal(400, "Invalid API version or type")
        if given.get("key") != self.token:
            raise Refusal(401, "Invalid API Key")

    def error(self, refusal: Refusal) -> Any:
        return _reply(refusal.code or CODES.get(refusal.status, 210), refusal.message)

    @route("GET", "/listDomains", query=[*HEAD, "page", "pageSize"])
    def list_domains(self, request: Request) -> Answer:
        size = int(request.query.get("pageSize", 100))
        shown, number, pages = self.page(list(self.zones), int(request.query.get("page", 1)), size)
        domains = "".join(
            f'<domain created="2020-02-03" expires="2027-02-03">{apex}</domain>' for apex in shown
        )
        total = size * pages if self.repeats else len(self.zones)
        pager = f"<total>{total}</total><pageSize>{size}</pageSize><page>{number}</page>"
        return Answer(200, _reply(300, "success", f"<domains>{domains}</domains><pager>{pager}</pager>"))

    @route("GET", "/getDomainInfo/{domain}", query=[*HEAD, "domain"])
    def info(self, request: Request, domain: str) -> Answer:
        self.zone(domain)
        return Answer(200, _reply(300, "success", "<status>Active</status>"))

    @route("GET", "/dnsListRecords/{domain}", query=[*HEAD, "domain"])
    def list_records(self, request: Request, domain: str) -> Answer:
        records = "".join(self._shown(record, domain) for record in self.zone(domain).records)
        return Answer(200, _reply(300, "success", records))

    @route(
        "GET",
        "/dnsAddRecord/{domain}",
        query=[*HEAD, "domain", "rrtype", "rrhost", "rrvalue", "rrttl"],
        writes=True,
    )
    def add_record(self, request: Request, domain: str) -> Answer:
        zone, given = self.zone(domain), request.query
        if not given.get("rrvalue") or given.get("rrtype") != "TXT":
            raise Refusal(400, "Missing parameters", 108)
        ttl = int(given.get("rrttl", 7207))
        if not 3600 <= ttl <= LONGEST:
            raise Refusal(400, f"Invalid TTL {ttl}")
        host = given.get("rrhost", "")
        name = f"{host}.{domain}" if host else domain
        if any(record.value == given["rrvalue"] for record in zone.texts(name)):
            raise Refusal(400, "could not add resource record to domain since it already exists")
        record = self.add(zone, name, given["rrvalue"], ttl)
        return Answer(200, _reply(300, "success", f"<record_id>{record.id}</record_id>"))

    @route("GET", "/dnsDeleteRecord/{domain}", query=[*HEAD, "domain", "rrid"], writes=True)
    def delete_record(self, request: Request, domain: str) -> Answer:
        zone, id = self.zone(domain), request.query.get("rrid")
        if not any(record.id == id for record in zone.records):
            raise Refusal(400, "could not delete resource record: no such record")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return Answer(200, _reply(300, "success"))

    def host(self, record: Record, apex: str) -> str:
        return record.name.removesuffix(apex).rstrip(".") or "@"

    def _shown(self, record: Record, apex: str) -> str:
        fields = {"record_id": record.id, "type": record.type, "host": self.host(record, apex)}
        fields |= {"value": escape(record.value)}
        fields |= {"ttl": str(record.ttl), "distance": "0"}
        inner = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
        return f"<resource_record>{inner}</resource_record>"


class FormerNameSilo(NameSilo):
    """As it was until 2026: hosts are shown as FQDNs."""

    def host(self, record: Record, apex: str) -> str:
        return record.name


def _reply(code: int, detail: str, content: str = "") -> bytes:
    request = "<request><operation>dns</operation><ip>192.0.2.1</ip></request>"
    reply = f"<reply><code>{code}</code><detail>{escape(detail)}</detail>{content}</reply>"
    return f'<?xml version="1.0"?><namesilo>{request}{reply}</namesilo>'.encode()
