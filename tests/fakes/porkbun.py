"""Porkbun's API v3, as far as TXT records go (https://porkbun.com/api/json/v3/documentation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, optional, route

RECORD = {"type": str, "name": str, "content": str, "ttl": optional(str)}


class Porkbun(Fake):
    """Everything is POST, and 400 what is wrong. The keys are in headers or in the body. A TTL may be a
    number as well; below 600 it becomes 600. ``closed`` has the apexes of the zones that the API has no
    access to."""

    prefix = "/api/json/v3"
    hosts = ("api.porkbun.com", "porkbun.com")
    key = "pk1_0f-the-test"
    gone = 400

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.closed: set[str] = set()

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        """Keys that are in the body are read as if they were in the headers."""
        body = dict(request.body or {})
        body |= {"ttl": str(body["ttl"])} if "ttl" in body else {}
        given = {"X-API-Key": body.pop("apikey", None), "X-Secret-API-Key": body.pop("secretapikey", None)}
        headers = {**request.headers, **{name: key for name, key in given.items() if key}}
        return super().respond(request._replace(headers=headers, body=body))

    def admit(self, request: Request) -> None:
        given = request.headers.get("X-API-Key"), request.headers.get("X-Secret-API-Key")
        if None in given:
            raise Refusal(400, "All API requests require an API key or API token.")
        if given != (self.key, self.token):
            raise Refusal(400, "Invalid API key. (002)")

    def error(self, refusal: Refusal) -> Any:
        return {"status": "ERROR", "message": refusal.message}

    @route("POST", "/ping", fields={}, writes=False)
    def ping(self, request: Request) -> Answer:
        return Answer(200, {"status": "SUCCESS", "yourIp": "192.0.2.1"})

    @route("POST", "/domain/listAll", fields={"start": optional(int)}, writes=False)
    def list_domains(self, request: Request) -> Answer:
        start = 0 if self.repeats else request.body.get("start", 0)
        domains = [{"domain": apex, "status": "ACTIVE", "notLocal": 0} for apex in self.zones]
        # A thousand in truth, which would take the tests a while.
        return Answer(200, {"status": "SUCCESS", "domains": domains[start : start + 100]})

    @route("POST", "/dns/retrieveByNameType/{domain}/TXT", fields={}, writes=False)
    def read_apex(self, request: Request, domain: str) -> Answer:
        return self._read(domain, domain)

    @route("POST", "/dns/retrieveByNameType/{domain}/TXT/{name}", fields={}, writes=False)
    def read(self, request: Request, domain: str, name: str) -> Answer:
        return self._read(domain, f"{name}.{domain}")

    @route("POST", "/dns/retrieve/{domain}", fields={}, writes=False)
    def read_all(self, request: Request, domain: str) -> Answer:
        return _found(self.zone(domain).records)

    @route("POST", "/dns/create/{domain}", fields=RECORD)
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), request.body
        name = f"{body['name']}.{domain}" if body["name"] else domain
        if any(record.value == body["content"] for record in zone.texts(name)):
            raise Refusal(400, "Create error: We were unable to create the DNS record.")
        record = self.add(zone, name, body["content"], max(600, int(body.get("ttl", 600))), body["type"])
        return Answer(200, {"status": "SUCCESS", "id": int(record.id)})

    @route("POST", "/dns/delete/{domain}/{id}", fields={})
    def delete(self, request: Request, domain: str, id: str) -> Answer:
        zone = self.zone(domain)
        if not any(record.id == id for record in zone.records):
            raise Refusal(400, "Invalid record ID.")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return Answer(200, {"status": "SUCCESS"})

    def zone(self, key: str) -> Zone:
        if key in self.closed:
            raise Refusal(400, "Domain is not opted in to API access.")
        if key not in self.zones:
            raise Refusal(400, "Invalid domain.")
        return self.zones[key]

    def _read(self, domain: str, name: str) -> Answer:
        return _found(self.zone(domain).texts(name))


def _found(records: Sequence[Record]) -> Answer:
    return Answer(200, {"status": "SUCCESS", "records": [_shown(record) for record in records]})


def _shown(record: Record) -> Mapping[str, Any]:
    fields = {"name": record.name, "type": record.type, "content": record.value, "ttl": str(record.ttl)}
    return {"id": record.id, **fields, "prio": "0", "notes": ""}
