"""Gandi's LiveDNS API v5, as far as TXT RRsets go (https://api.gandi.net/docs/livedns/)."""

from __future__ import annotations

from typing import Any

from . import Answer, Fake, Refusal, Request, optional, route
from .texts import quoted, unquoted

RRSET = {"rrset_values": list, "rrset_ttl": optional(int)}
CAUSES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


class Gandi(Fake):
    """It has a former address, where a header of its own has the key. Values come back quoted. An
    RRset is replaced, and so is its TTL: by 10800 unless it is said."""

    prefix = "/v5/livedns"
    former_prefix = "/api/v5"
    hosts = ("api.gandi.net", "dns.api.gandi.net")

    def admit(self, request: Request) -> None:
        given = request.headers.get("Authorization"), request.headers.get("X-Api-Key")
        if given not in ((f"Bearer {self.token}", None), (f"Apikey {self.token}", None), (None, self.token)):
            raise Refusal(401, "The server could not verify that you authorized to access the document")

    def error(self, refusal: Refusal) -> Any:
        if refusal.status == 400:
            problem = {"location": "body", "name": "rrset_values", "description": refusal.message}
            return {"status": "error", "errors": [problem]}
        cause = CAUSES.get(refusal.status, "Error")
        return {"code": refusal.status, "message": refusal.message, "object": f"HTTP{cause}", "cause": cause}

    @route("GET", "/domains", query=["page", "per_page"])
    def list_domains(self, request: Request) -> Answer:
        domains = [{"fqdn": apex, "domain_href": f"{self.url}/domains/{apex}"} for apex in self.zones]
        size = int(request.query.get("per_page", 100))
        return Answer(200, self.page(domains, int(request.query.get("page", 1)), size)[0])

    @route("GET", "/domains/{domain}")
    def domain(self, request: Request, domain: str) -> Answer:
        if domain not in self.zones:
            raise Refusal(404, "The resource could not be found.")
        return Answer(200, {"fqdn": domain, "automatic_snapshots": False})

    @route("GET", "/domains/{domain}/nameservers")
    def list_name_servers(self, request: Request, domain: str) -> Answer:
        self.zone(domain)
        return Answer(200, [*self.name_servers])

    @route("GET", "/domains/{domain}/records/{name}/TXT")
    def read(self, request: Request, domain: str, name: str) -> Answer:
        records = self.zone(domain).texts(_owner(name, domain))
        if not records:
            raise Refusal(404, f"Can't find the DNS record {name}/TXT in the zone")
        values = [quoted(record.value) for record in records]
        rrset = {"rrset_type": "TXT", "rrset_name": name, "rrset_ttl": records[0].ttl, "rrset_values": values}
        return Answer(200, rrset)

    @route("PUT", "/domains/{domain}/records/{name}/TXT", fields=RRSET)
    def replace(self, request: Request, domain: str, name: str) -> Answer:
        zone, ttl = self.zone(domain), request.body.get("rrset_ttl", 10800)
        values = [unquoted(value) for value in request.body["rrset_values"]]
        if not 300 <= ttl <= 2592000:
            raise Refusal(400, f"rrset_ttl: {ttl} is not in the range of 300 and 2592000")
        if not values or len(values) != len(set(values)):
            raise Refusal(400, "rrset_values: at least one, and no duplicates")
        self._drop(domain, name)
        for value in values:
            self.add(zone, _owner(name, domain), value, ttl)
        return Answer(201, {"message": "DNS Record Created"})

    @route("DELETE", "/domains/{domain}/records/{name}/TXT")
    def delete(self, request: Request, domain: str, name: str) -> Answer:
        if not self._drop(domain, name):
            raise Refusal(404, f"Can't find the DNS record {name}/TXT in the zone")
        return Answer(204)

    def _drop(self, domain: str, name: str) -> int:
        zone, owner = self.zone(domain), _owner(name, domain)
        old = zone.texts(owner)
        zone.records[:] = [record for record in zone.records if record not in old]
        return len(old)


def _owner(name: str, domain: str) -> str:
    return domain if name == "@" else f"{name}.{domain}"
