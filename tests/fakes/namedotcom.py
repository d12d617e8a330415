"""name.com's Core API, as far as TXT records go (https://docs.name.com/)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, route

USER = "somebody"
RECORD = {"type": str, "host": str, "answer": str, "ttl": int}
PAGED = ("page", "perPage", "sort", "dir")


class NameDotCom(Fake):
    """Version 4 of the API, which came before, has the same calls. The apex's host is empty or @."""

    prefix = "/core/v1"
    former_prefix = "/v4"
    hosts = ("api.name.com",)

    def admit(self, request: Request) -> None:
        pair = b64encode(f"{USER}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            raise Refusal(401, "Unauthorized")

    def error(self, refusal: Refusal) -> Any:
        return {"message": refusal.message, "details": None}

    @route("GET", "/domains", query=PAGED)
    def list_domains(self, request: Request) -> Answer:
        return self._list("domains", [{"domainName": apex, "locked": True} for apex in self.zones], request)

    @route("GET", "/domains/{domain}")
    def show_domain(self, request: Request, domain: str) -> Answer:
        return Answer(200, {"domainName": self._named(domain).apex, "locked": True})

    @route("GET", "/domains/{domain}/records", query=PAGED)
    def list_records(self, request: Request, domain: str) -> Answer:
        zone = self._named(domain)
        return self._list("records", [_record(zone, record) for record in zone.records], request)

    @route("POST", "/domains/{domain}/records", fields=RECORD)
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self._named(domain), request.body
        if body["type"] != "TXT" or body["ttl"] < 300:
            raise Refusal(400, "Invalid type or ttl")
        name = zone.apex if body["host"] in ("", "@") else f"{body['host']}.{zone.apex}"
        if body["answer"] in {record.value for record in zone.texts(name)}:
            raise Refusal(400, "Parameter Value Error - Duplicate Record")
        return Answer(200, _record(zone, self.add(zone, name, body["answer"], body["ttl"])))

    @route("DELETE", "/domains/{domain}/records/{id}")
    def delete(self, request: Request, domain: str, id: str) -> Answer:
        zone = self._named(domain)
        if not any(record.id == id for record in zone.records):
            raise Refusal(404, "Not Found")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return Answer(200, {})

    def _named(self, domain: str) -> Zone:
        if domain not in self.zones:
            raise Refusal(404, "Not Found")
        return self.zones[domain]

    def _list(self, key: str, items: Sequence[Any], request: Request) -> Answer:
        size = min(int(request.query.get("perPage", 1000)), 1000)
        shown, number, pages = self.page(items, int(request.query.get("page", 1)), size)
        more = {"nextPage": number + 1, "lastPage": pages} if number < pages else {}
        return Answer(200, {key: shown, **more})


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    host = record.name.removesuffix(zone.apex).rstrip(".")
    where = {"domainName": zone.apex, "host": host, "fqdn": f"{record.name}."}
    return {"id": int(record.id), **where, "type": record.type, "answer": record.value, "ttl": record.ttl}
