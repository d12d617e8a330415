"""Dynu's API v2, as far as TXT records go (https://www.dynu.com/Support/API)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, optional, route

RECORD = {
    "recordType": str,
    "nodeName": str,
    "textData": str,
    "state": bool,
    "ttl": optional(int),
    "domainName": optional(str),  # lego says these two as well
    "hostname": optional(str),
}


class Dynu(Fake):
    """Whatever is wrong with a request is 501: a domain that it does not have, a record that is gone, and
    one that is there already."""

    prefix = "/v2"
    hosts = ("api.dynu.com",)

    def admit(self, request: Request) -> None:
        if {name.lower(): value for name, value in request.headers.items()}.get("api-key") != self.token:
            raise Refusal(401, "Invalid API key.")

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        answer, fault = super().respond(request)
        return answer._replace(status=501) if answer.status in (400, 404) else answer, fault

    def error(self, refusal: Refusal) -> Any:
        status = 501 if refusal.status in (400, 404) else refusal.status
        return {"statusCode": status, "type": "Argument Exception", "message": refusal.message}

    @route("GET", "/dns")
    def list_domains(self, request: Request) -> Answer:
        domains = [{"id": int(zone.id), "name": zone.apex, "ttl": 90} for zone in self.zones.values()]
        return Answer(200, {"statusCode": 200, "domains": domains})

    @route("GET", "/dns/getroot/{hostname}")
    def root(self, request: Request, hostname: str) -> Answer:
        fitting = [zone for zone in self.zones.values() if f".{hostname}".endswith(f".{zone.apex}")]
        if not fitting:
            raise Refusal(404, "Invalid.")
        zone = max(fitting, key=lambda zone: len(zone.apex))
        root = {
            "id": int(zone.id),
            "domainName": zone.apex,
            "hostname": hostname,
            "node": _node(zone, hostname),
        }
        return Answer(200, {"statusCode": 200, **root})

    @route("GET", "/dns/record/{hostname}", query=("recordType",))
    def find_records(self, request: Request, hostname: str) -> Answer:
        found = [(zone, record) for zone in self.zones.values() for record in zone.texts(hostname)]
        return Answer(200, {"statusCode": 200, "dnsRecords": [_shown(*each) for each in found]})

    @route("GET", "/dns/{id}")
    def show_domain(self, request: Request, id: str) -> Answer:
        zone = self.zone(id)
        return Answer(200, {"statusCode": 200, "id": int(zone.id), "name": zone.apex, "ttl": 90})

    @route("GET", "/dns/{id}/record")
    def list_records(self, request: Request, id: str) -> Answer:
        zone = self.zone(id)
        return Answer(200, {"statusCode": 200, "dnsRecords": [_shown(zone, each) for each in zone.records]})

    @route("POST", "/dns/{id}/record", fields=RECORD)
    def create(self, request: Request, id: str) -> Answer:
        zone, body = self.zone(id), request.body
        name = f"{body['nodeName']}.{zone.apex}" if body["nodeName"] else zone.apex
        if not body["state"]:
            raise Refusal(400, "The record would not be served.")
        if body.get("ttl", 90) < 90:
            raise Refusal(400, "Invalid TTL.")
        if any(record.value == body["textData"] for record in zone.texts(name)):
            raise Refusal(400, "Record already exists.")
        record = self.add(zone, name, body["textData"], body.get("ttl", 90), body["recordType"])
        return Answer(200, {"statusCode": 200, **_shown(zone, record)})

    @route("DELETE", "/dns/{id}/record/{record}")
    def delete(self, request: Request, id: str, record: str) -> Answer:
        zone = self.zone(id)
        if not any(each.id == record for each in zone.records):
            raise Refusal(404, "Invalid.")
        zone.records[:] = [each for each in zone.records if each.id != record]
        return Answer(200, {"statusCode": 200})

    def zone(self, key: str) -> Zone:
        for zone in self.zones.values():
            if key == zone.id:
                return zone
        raise Refusal(404, "Invalid.")


def _node(zone: Zone, name: str) -> str:
    return name.removesuffix(zone.apex).rstrip(".")


def _shown(zone: Zone, record: Record) -> Mapping[str, Any]:
    where = {"domainId": int(zone.id), "domainName": zone.apex, "nodeName": _node(zone, record.name)}
    line = f'{record.name}. {record.ttl} IN {record.type} "{record.value}"'
    data = {"recordType": record.type, "ttl": record.ttl, "textData": record.value, "content": line}
    return {"id": int(record.id), **where, "hostname": record.name, "state": True, **data}
