"""Vultr's API v2, as far as TXT records go (https://www.vultr.com/api/#tag/dns)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route
from .texts import quoted, unquoted

PAGED = ("cursor", "per_page")
RECORD = {"type": str, "name": str, "data": str, "ttl": optional(int), "priority": optional(int)}


class Vultr(Fake):
    """The data of a TXT record are in quotes, going and coming; its name is relative, and nothing at
    the apex; what comes next in a list, a cursor says."""

    prefix = "/v2"
    hosts = ("api.vultr.com",)

    def admit(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Invalid API token.")

    def error(self, refusal: Refusal) -> Any:
        return {"error": refusal.message, "status": refusal.status}

    @route("GET", "/domains", query=PAGED)
    def list_domains(self, request: Request) -> Answer:
        return self._list("domains", [{"domain": apex} for apex in self.zones], request)

    @route("GET", "/domains/{domain}")
    def domain(self, request: Request, domain: str) -> Answer:
        if "_" in domain:
            raise Refusal(400, "Invalid domain.")
        return Answer(200, {"domain": {"domain": self.zone(domain).apex, "dns_sec": "disabled"}})

    @route("GET", "/domains/{domain}/records", query=PAGED)
    def list_records(self, request: Request, domain: str) -> Answer:
        zone = self.zone(domain)
        return self._list("records", [_shown(zone, record) for record in self.with_ns(zone)], request)

    @route("POST", "/domains/{domain}/records", fields=RECORD)
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), {"ttl": 300, **request.body}
        if not (body["data"].startswith('"') and body["data"].endswith('"')):
            raise Refusal(400, "Unable to add record: Record data must be enclosed in quotes")
        if body["ttl"] < 120:
            raise Refusal(400, "Unable to add record: Invalid TTL")
        name = f"{body['name']}.{zone.apex}" if body["name"] else zone.apex
        record = self.add(zone, name, unquoted(body["data"]), body["ttl"], body["type"])
        return Answer(201, {"record": _shown(zone, record)})

    @route("DELETE", "/domains/{domain}/records/{id}")
    def delete(self, request: Request, domain: str, id: str) -> Answer:
        zone = self.zone(domain)
        if not any(record.id == id for record in zone.records):
            raise Refusal(404, "Invalid record ID")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return Answer(204)

    def _list(self, key: str, items: Sequence[Any], request: Request) -> Answer:
        size = int(request.query.get("per_page", 100))
        if not 1 <= size <= 500:
            raise Refusal(400, "Invalid per_page")
        asked = int(base64.b64decode(request.query.get("cursor") or "MQ=="))
        # Fewer than are asked for: a list of more than 500 would take the tests a while.
        shown, number, pages = self.page(items, asked, min(size, 100))
        following = base64.b64encode(str(number + 1).encode()).decode() if number < pages else ""
        return Answer(
            200, {key: shown, "meta": {"total": len(items), "links": {"next": following, "prev": ""}}}
        )


def _shown(zone: Zone, record: Record) -> Mapping[str, Any]:
    name = record.name.removesuffix(zone.apex).rstrip(".")
    data = quoted(record.value) if record.type == "TXT" else record.value
    fields = {"type": record.type, "name": name, "data": data, "ttl": record.ttl}
    return {"id": record.id, **fields, "priority": -1}
