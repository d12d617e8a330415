"""DigitalOcean's API v2, as far as TXT records go (https://docs.digitalocean.com/reference/api/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, route

PAGED = ("page", "per_page")


class DigitalOcean(Fake):
    """It keeps the same record as often as it is told to. A name is relative unless it ends with a
    dot; that to look for is an FQDN without one."""

    hosts = ("api.digitalocean.com",)
    invalid = 422
    links_to = ""  # where the links to further pages lead; empty: to this fake itself

    def error(self, refusal: Refusal) -> Any:
        kinds = {401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "too_many_requests"}
        return {"id": kinds.get(refusal.status, "unprocessable_entity"), "message": refusal.message}

    @route("GET", "/v2/domains", query=PAGED)
    def list_domains(self, request: Request) -> Answer:
        domains = [_domain(zone) for zone in self.zones.values()]
        return self._list("domains", domains, request)

    @route("GET", "/v2/domains/{domain}")
    def domain(self, request: Request, domain: str) -> Answer:
        return Answer(200, {"domain": _domain(self.zones.get(domain) or self.zone(""))})

    @route("GET", "/v2/domains/{domain}/records", query=("type", "name", *PAGED))
    def list_records(self, request: Request, domain: str) -> Answer:
        zone, name, type = self.zone(domain), request.query.get("name"), request.query.get("type")
        if name and not f".{name}".endswith(f".{zone.apex}"):
            raise Refusal(422, "name must be a fully qualified record name")
        named = [record for record in self.with_ns(zone) if name in (None, record.name)]
        records = [record for record in named if type in (None, record.type)]
        return self._list("domain_records", [_record(zone, record) for record in records], request)

    @route("POST", "/v2/domains/{domain}/records", fields={"type": str, "name": str, "data": str, "ttl": int})
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self.zone(domain), request.body
        if body["ttl"] < 30:
            raise Refusal(422, "TTL must be greater than or equal to 30")
        name = zone.apex if body["name"] == "@" else f"{body['name']}.{zone.apex}"
        if body["name"].endswith("."):
            name = body["name"].rstrip(".")
        record = self.add(zone, name, body["data"], body["ttl"], body["type"])
        return Answer(201, {"domain_record": _record(zone, record)})

    @route("DELETE", "/v2/domains/{domain}/records/{id}")
    def delete(self, request: Request, domain: str, id: str) -> Answer:
        zone = self.zone(domain)
        if not any(record.id == id for record in zone.records):
            raise Refusal(404, "The resource you were accessing could not be found.")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return Answer(204)

    def _list(self, key: str, items: Sequence[Any], request: Request) -> Answer:
        size = min(int(request.query.get("per_page", 20)), 200)
        shown, number, pages = self.page(items, int(request.query.get("page", 1)), size)
        query = "&".join(f"{name}={value}" for name, value in (request.query | {"page": number + 1}).items())
        following = f"{self.links_to or self.url}{request.path}?{query}"
        links = {"pages": {"next": following}} if number < pages else {}
        return Answer(200, {key: shown, "links": links, "meta": {"total": len(items)}})


def _domain(zone: Zone) -> Mapping[str, Any]:
    return {"name": zone.apex, "ttl": 1800, "zone_file": f"$ORIGIN {zone.apex}.\n"}


def _record(zone: Zone, record: Record) -> Mapping[str, Any]:
    name = record.name.removesuffix(zone.apex).rstrip(".") or "@"
    return {"id": int(record.id), "type": record.type, "name": name, "data": record.value, "ttl": record.ttl}
