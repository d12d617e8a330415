"""ClouDNS's API, as far as TXT records go (https://www.cloudns.net/wiki/article/42/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from . import Answer, Fake, Fault, Record, Refusal, Request, optional, route

USER, SUB_USER = "1001", "2002"
DOMAIN = {"domain-name": str}
LIST = {"page": str, "rows-per-page": str}
RECORDS = {**DOMAIN, "type": optional(str), "host": optional(str)}
RECORD = {**DOMAIN, "record-type": str, "host": str, "record": str, "ttl": str}
TTLS = {60, 300, 900, 1800, 3600, 21600, 43200, 86400, 172800, 259200, 604800, 1209600, 2419200}
WORDS = {400: "{}", 401: "Invalid authentication, {}", 404: "Missing domain-name"}


class ClouDns(Fake):
    """Parameters come as a query or as a form, and 200 is the answer to all of it.

    A call is routed here with its zone: ``POST /records.json/example.com``. ``kinds`` has the types of
    zones that are none of one's own ("slave", "parked"), ``queried`` whatever came as a query.
    """

    prefix = "/dns"
    hosts = ("api.cloudns.net",)
    invalid = 400
    gone = 404
    unexpected: ClassVar[Any] = {"unexpected": {"unexpected": True}}

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.kinds: dict[str, str] = {}
        self.queried: dict[str, str] = {}

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        self.queried |= request.query
        given = dict(request.query)
        if isinstance(request.body, str):
            given |= parse_qsl(request.body, keep_blank_values=True, strict_parsing=True)
        who = {key: given.pop(key) for key in list(given) if "auth-" in key}
        path = "/".join(filter(None, (request.path, given.get("domain-name"))))
        call = request._replace(method="POST", path=path, query={}, headers=who, body=given)
        answer, fault = super().respond(call)
        return answer._replace(status=200 if answer.status in WORDS else answer.status), fault

    def admit(self, request: Request) -> None:
        given = request.headers
        if len(given) != 2 or given.get("auth-password") != self.token:
            raise Refusal(401, "incorrect auth-id or auth-password.")
        if (given.get("auth-id"), given.get("sub-auth-id")) not in ((USER, None), (None, SUB_USER)):
            raise Refusal(401, "incorrect auth-id or auth-password.")

    def error(self, refusal: Refusal) -> Any:
        said = WORDS.get(refusal.status, "{}").format(refusal.message)
        return {"status": "Failed", "statusDescription": said}

    @route("POST", "/list-zones.json", fields=LIST, writes=False)
    def list_zones(self, request: Request) -> Answer:
        size = int(request.body["rows-per-page"])
        if size not in (10, 20, 30, 50, 100):
            raise Refusal(400, "Invalid rows-per-page param.")
        shown = self.page(list(self.zones), int(request.body["page"]), size)[0]
        return Answer(200, [self._zone(apex) for apex in shown])

    @route("POST", "/get-zone-info.json/{domain}", fields=DOMAIN, writes=False)
    def zone_info(self, request: Request, domain: str) -> Answer:
        return Answer(200, self._zone(self.zone(domain).apex))

    @route("POST", "/update-status.json/{domain}", fields=DOMAIN, writes=False)
    def update_status(self, request: Request, domain: str) -> Answer:
        self.zone(domain)
        return Answer(200, [{"server": "pns1.cloudns.net", "ip4": "192.0.2.1", "ip6": "", "updated": True}])

    @route("POST", "/records.json/{domain}", fields=RECORDS, writes=False)
    def list_records(self, request: Request, domain: str) -> Answer:
        wanted = (request.body.get("type"), request.body.get("host"))
        shown = {record.id: _shown(record, domain) for record in self.with_ns(self.zone(domain))}
        found = {
            id: each
            for id, each in shown.items()
            if wanted[0] in (None, each["type"]) and wanted[1] in (None, each["host"])
        }
        return Answer(200, found or [])

    @route("POST", "/add-record.json/{domain}", fields=RECORD)
    def add_record(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), request.body
        if int(body["ttl"]) not in TTLS:
            raise Refusal(400, "Invalid TTL. Choose from the list of values we support.")
        name = f"{body['host']}.{domain}" if body["host"] else domain
        if any(record.value == body["record"] for record in zone.texts(name)):
            raise Refusal(400, "The record already exist.")
        record = self.add(zone, name, body["record"], int(body["ttl"]), body["record-type"])
        done = {"status": "Success", "statusDescription": "The record was added successfully."}
        return Answer(200, {**done, "data": {"id": int(record.id)}})

    @route("POST", "/delete-record.json/{domain}", fields={**DOMAIN, "record-id": str})
    def delete_record(self, request: Request, domain: str) -> Answer:
        zone, id = self.zone(domain), request.body["record-id"]
        if not any(record.id == id for record in zone.records):
            raise Refusal(400, "Invalid record-id param.")
        zone.records[:] = [record for record in zone.records if record.id != id]
        done = {"status": "Success", "statusDescription": "The record was deleted successfully."}
        return Answer(200, done)

    def _zone(self, apex: str) -> Mapping[str, str]:
        return {"name": apex, "type": self.kinds.get(apex, "master"), "zone": "domain", "status": "1"}


def _shown(record: Record, apex: str) -> Mapping[str, Any]:
    host = record.name.removesuffix(apex).rstrip(".")
    fields = {"id": record.id, "type": record.type, "host": host, "record": record.value}
    return {**fields, "dynamicurl_status": 0, "failover": "0", "ttl": str(record.ttl), "status": 1}
