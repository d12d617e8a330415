"""easyDNS's REST API, as far as TXT records go (https://docs.sandbox.rest.easydns.net)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, optional, route

TOKEN, USER = "a-token-of-the-test", "me"
FORMAT = ("format",)
RECORD = {"domain": str, "host": str, "ttl": str, "prio": optional(str), "type": str, "rdata": str}


class EasyDns(Fake):
    """Everything is wrapped, and lists say where in the whole they are."""

    hosts = ("rest.easydns.net",)

    def admit(self, request: Request) -> None:
        pair = b64encode(f"{TOKEN}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            raise Refusal(401, "Authorization failed")
        if request.query.get("format") != "json":
            raise Refusal(400, "format has to be json here")

    def error(self, refusal: Refusal) -> Any:
        return {"error": {"code": refusal.status, "message": refusal.message}}

    @route("GET", "/domains/list/{user}", query=[*FORMAT, "start"])
    def list_domains(self, request: Request, user: str) -> Answer:
        if user != USER:
            raise Refusal(403, "Not your user")
        return self._listed([{"name": apex, "id": self.zones[apex].id} for apex in self.zones], request)

    @route("GET", "/domain/{domain}", query=FORMAT)
    def domain(self, request: Request, domain: str) -> Answer:
        if domain not in self.zones:
            raise Refusal(400, "Domain does not exist")
        return _wrapped({"domain": domain, "id": domain, "exists": "Y"})

    @route("GET", "/zones/records/all/{domain}", query=[*FORMAT, "start"])
    def list_records(self, request: Request, domain: str) -> Answer:
        return self._listed([_shown(record, domain) for record in self.with_ns(self.zone(domain))], request)

    @route("PUT", "/zones/records/add/{domain}/TXT", query=FORMAT, fields=RECORD)
    def add_record(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), request.body
        if body["type"] != "TXT" or body["domain"] != domain or not body["host"]:
            raise Refusal(400, "domain, host and type have to be those of the record")
        name = domain if body["host"] == "@" else f"{body['host']}.{domain}"
        if any(record.value == body["rdata"] for record in zone.texts(name)):
            raise Refusal(400, "Record already exists")
        record = self.add(zone, name, body["rdata"], int(body["ttl"]))
        return _wrapped(_shown(record, domain), 201)

    @route("DELETE", "/zones/records/{domain}/{id}", query=FORMAT)
    def delete_record(self, request: Request, domain: str, id: str) -> Answer:
        zone = self.zone(domain)
        if not any(record.id == id for record in zone.records):
            raise Refusal(400, "No such record")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return _wrapped({"domain": domain, "id": id}, 200)

    def _listed(self, items: Sequence[Mapping[str, Any]], request: Request) -> Answer:
        start = 0 if self.repeats else int(request.query.get("start", 0))
        shown = items[start : start + 100]
        about = {"start": start, "count": len(shown), "total": len(items), "max": 100}
        return Answer(200, {"tm": 1500000000, "data": shown, **about, "status": 200})


def _wrapped(data: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, {"msg": "OK", "tm": 1500000000, "data": data, "status": status})


def _shown(record: Record, domain: str) -> Mapping[str, Any]:
    host = record.name.removesuffix(domain).rstrip(".") or "@"
    fields = {"id": record.id, "domain": domain, "host": host, "ttl": str(record.ttl), "prio": "0"}
    return {**fields, "type": record.type, "rdata": record.value, "geozone_id": "0", "last_mod": ""}
