"""GoDaddy's APIs v1 and v3, as far as TXT records go (https://developer.godaddy.com/doc/endpoint/domains
and https://developer.godaddy.com/en/docs/references/rest/domains/v3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from . import Answer, Record, Refusal, Request, Zone, optional, route
from .lists import LIST, TakesLists

RECORD = {"data": str, "ttl": optional(int), "name": optional(str), "type": optional(str)}
V3_RECORDS = "/v3/domains/zones/{domain}/dns-records"
RRSET = "/v1/domains/{domain}/records/TXT/{name}"
CODES = {
    401: "UNABLE_TO_AUTHENTICATE",
    403: "ACCESS_DENIED",
    404: "UNKNOWN_DOMAIN",
    422: "INVALID_BODY",
    429: "TOO_MANY_REQUESTS",
}


class GoDaddy(TakesLists):
    """An RRset is replaced, and never by an empty one. ``small``: the account is one of those that may
    change records and yet not see its domains."""

    hosts = ("api.godaddy.com",)
    invalid = 422

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.small = False

    def admit(self, request: Request) -> None:
        if request.path.startswith("/v3/"):
            super().admit(request)
            return
        if request.headers.get("Authorization") != f"sso-key the-key:{self.token}":
            raise Refusal(401, "Unauthorized : Could not authenticate API key/secret")

    def error(self, refusal: Refusal) -> Any:
        told = {"code": CODES.get(refusal.status, "ERROR"), "message": refusal.message}
        if refusal.status != 422:
            return told
        schema = "Request body doesn't fulfill schema, see details in `fields`"
        field = {"code": "INVALID_VALUE", "message": refusal.message, "path": "records[0]"}
        return {**told, "message": schema, "fields": [field]}

    @route("GET", "/v1/domains", query=["limit", "marker"])
    def list_domains(self, request: Request) -> Answer:
        if self.small:
            raise Refusal(403, "Authenticated user is not allowed access")
        domains = [{"domain": apex, "domainId": int(zone.id)} for apex, zone in self.zones.items()]
        apexes, size = list(self.zones), int(request.query.get("limit", 100))
        start = apexes.index(request.query["marker"]) + 1 if "marker" in request.query else 0
        return Answer(200, domains[:size] if self.repeats else domains[start : start + size])

    @route("GET", "/v3/domains/domain-names", query=["pageSize", "pageToken"])
    def list_domain_names(self, request: Request) -> Answer:
        if self.small:
            raise Refusal(403, "The token has no such scope")
        number, size = int(request.query.get("pageToken", "p1")[1:]), _size(request)
        apexes, number, pages = self.page([*self.zones], number, size)
        items = [{"domain": apex, "status": "ACTIVE"} for apex in apexes]
        return Answer(200, {"items": items, "links": self._links(request, "pageToken", number, pages, "p")})

    @route("GET", V3_RECORDS, query=["page", "pageSize", "type", "name"])
    def list_records(self, request: Request, domain: str) -> Answer:
        zone, name = self._zone(domain), request.query.get("name")
        named = [each for each in self.with_ns(zone) if name in (None, _shown(each, domain)["name"])]
        wanted = [each for each in named if request.query.get("type") in (None, each.type)]
        shown, number, pages = self.page(wanted, int(request.query.get("page", 1)), _size(request))
        items = [{"recordId": record.id, **_shown(record, domain)} for record in shown]
        return Answer(200, {"items": items, "links": self._links(request, "page", number, pages)})

    @route("POST", V3_RECORDS, fields={"type": str, "name": str, "data": str, "ttl": int})
    def create_record(self, request: Request, domain: str) -> Answer:
        zone, body = self._zone(domain), request.body
        owner = _owner(body["name"], domain)
        if not 600 <= body["ttl"] <= 604800 or body["type"] != "TXT" or not body["data"]:
            raise Refusal(422, "ttl has to be between 600 and 604800, and data has to be given")
        if body["data"] in [record.value for record in zone.texts(owner)]:
            raise Refusal(422, "Another record with the same attributes already exists")
        record = self.add(zone, owner, body["data"], body["ttl"])
        return Answer(201, {"recordId": record.id, **_shown(record, domain)})

    @route("DELETE", V3_RECORDS + "/{id}")
    def delete_record(self, request: Request, domain: str, id: str) -> Answer:
        zone = self._zone(domain)
        if id not in [record.id for record in zone.records]:
            raise Refusal(404, "The given record is not found")
        zone.records[:] = [record for record in zone.records if record.id != id]
        return Answer(204)

    def _links(self, request: Request, key: str, number: int, pages: int, mark: str = "") -> Any:
        query = {**request.query, key: f"{mark}{number + 1}"}
        own = {"rel": "self", "method": "GET", "href": f"{self.url}{request.path}"}
        following = {"rel": "next", "method": "GET", "href": f"{self.url}{request.path}?{urlencode(query)}"}
        return [own, following] if number < pages else [own]

    @route("GET", RRSET, query=["offset", "limit"])
    def read(self, request: Request, domain: str, name: str) -> Answer:
        return Answer(200, [_shown(text, domain) for text in self._zone(domain).texts(_owner(name, domain))])

    @route("GET", "/v1/domains/{domain}/records/NS/{name}", query=["offset", "limit"])
    def read_ns(self, request: Request, domain: str, name: str) -> Answer:
        shown = [_shown(each, domain) for each in self.with_ns(self._zone(domain)) if each.type == "NS"]
        return Answer(200, [each for each in shown if each["name"] == name])

    @route("PUT", RRSET, fields=LIST)
    def replace(self, request: Request, domain: str, name: str) -> Answer:
        zone = self._zone(domain)
        records = list(self.each(request.body["items"], RECORD))
        if not records:
            raise Refusal(422, "records has to have one item at least")
        for record in records:
            if not 600 <= record.get("ttl", 3600) <= 604800:
                raise Refusal(422, "ttl has to be between 600 and 604800")
            if (record.get("name", name), record.get("type", "TXT")) != (name, "TXT"):
                raise Refusal(422, "name and type are those of the path")
            if [other["data"] for other in records].count(record["data"]) > 1:
                raise Refusal(422, "Another record with the same attributes already exists")
        self._drop(zone, name)
        for record in records:
            self.add(zone, _owner(name, domain), record["data"], record.get("ttl", 3600))
        return Answer(200)

    @route("GET", "/v1/domains/{domain}/records/TXT", query=["offset", "limit"])
    def read_all(self, request: Request, domain: str) -> Answer:
        return Answer(200, [_shown(record, domain) for record in self._zone(domain).records])

    @route("PUT", "/v1/domains/{domain}/records/TXT", fields=LIST)
    def replace_all(self, request: Request, domain: str) -> Answer:
        """All TXT records of the zone."""
        zone = self._zone(domain)
        records = list(self.each(request.body["items"], {**RECORD, "name": str}))
        zone.records.clear()
        for record in records:
            self.add(zone, _owner(record["name"], domain), record["data"], record.get("ttl", 3600))
        return Answer(200)

    @route("DELETE", RRSET)
    def delete(self, request: Request, domain: str, name: str) -> Answer:
        if not self._drop(self._zone(domain), name):
            raise Refusal(404, "The given record is not found")
        return Answer(204)

    def _zone(self, domain: str) -> Zone:
        if "." not in domain:
            raise Refusal(422, "domain has to be a domain name")
        if domain not in self.zones:
            raise Refusal(404, "The given domain is not registered, or does not have a zone file")
        return self.zones[domain]

    def _drop(self, zone: Zone, name: str) -> int:
        old = zone.texts(_owner(name, zone.apex))
        zone.records[:] = [record for record in zone.records if record not in old]
        return len(old)


def _shown(record: Record, domain: str) -> Mapping[str, Any]:
    name = record.name.removesuffix(domain).rstrip(".") or "@"
    return {"type": record.type, "name": name, "data": record.value, "ttl": record.ttl}


def _size(request: Request) -> int:
    size = int(request.query.get("pageSize", 25))
    if not 0 < size <= 100:
        raise Refusal(400, "pageSize has to be between 1 and 100")
    return size


def _owner(name: str, domain: str) -> str:
    return domain if name == "@" else f"{name}.{domain}"
