"""deSEC's API, as far as TXT RRsets go (https://desec.readthedocs.io/)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Record, Refusal, Request, Zone, optional, route
from .lists import LIST, TakesLists
from .texts import quoted, unquoted

PAGE = 500
RRSETS = "/domains/{domain}/rrsets/"
RRSET = {
    "subname": optional(str),
    "type": str,
    "ttl": optional(int),
    "records": optional(list),
    "domain": optional(str),  # which can only be read: what is written there goes for nothing
}


class Desec(TakesLists):
    """Lists are paged by cursor, the next one in a header; without a cursor, a list that is too long
    is refused. In a bulk request the apex is "", and in a path "@". Every path ends with a slash."""

    prefix = "/api/v1"
    hosts = ("desec.io",)
    least = 3600  # the domains' minimum_ttl

    def admit(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Token {self.token}":
            raise Refusal(401, "Invalid token.")

    def error(self, refusal: Refusal) -> Any:
        if refusal.status == 400:
            return [{}, {"non_field_errors": [refusal.message]}]
        return {"detail": refusal.message}

    @route("GET", "/domains/", query=["owns_qname", "cursor"])
    def list_domains(self, request: Request) -> Answer:
        if (name := request.query.get("owns_qname")) is None:
            return self._list([_domain(zone, self.least) for zone in self.zones.values()], request)
        owners = [zone for zone in self.zones.values() if f".{name}".endswith(f".{zone.apex}")]
        owners.sort(key=lambda zone: len(zone.apex))
        return Answer(200, [_domain(zone, self.least) for zone in owners[-1:]])

    @route("GET", RRSETS, query=["type", "subname", "cursor"])
    def list_rrsets(self, request: Request, domain: str) -> Answer:
        zone = self._zone(domain)
        names = sorted({record.name for record in zone.records})
        return self._list([_rrset(zone, zone.texts(name)) for name in names], request)

    @route("PATCH", RRSETS, fields=LIST)
    def change(self, request: Request, domain: str) -> Answer:
        """All of it or nothing."""
        zone = self._zone(domain)
        before = list(zone.records)
        try:
            for rrset in self.each(request.body["items"], RRSET):
                self._change(zone, rrset)
        except Refusal:
            zone.records[:] = before
            raise
        return Answer(200, [])

    @route("POST", RRSETS, fields=RRSET)
    def create(self, request: Request, domain: str) -> Answer:
        zone, body = self._zone(domain), request.body
        if zone.texts(_owner(body["subname"], zone)):
            raise Refusal(400, "Another RRset with the same subdomain and type exists for this domain.")
        self._change(zone, body)
        return Answer(201, _rrset(zone, zone.texts(_owner(body["subname"], zone))))

    @route("GET", RRSETS + "{subname}/TXT/")
    def read(self, request: Request, domain: str, subname: str) -> Answer:
        zone = self._zone(domain)
        if texts := zone.texts(_owner(subname.replace("@", ""), zone)):
            return Answer(200, _rrset(zone, texts))
        raise Refusal(404, "Not found.")

    @route("GET", RRSETS + "{subname}/NS/")
    def read_ns(self, request: Request, domain: str, subname: str) -> Answer:
        apex, hosts = self._zone(domain).apex, [f"{host}." for host in self.name_servers]
        shown = {"domain": apex, "subname": "", "name": f"{apex}.", "type": "NS", "ttl": 3600}
        if subname != "@":
            raise Refusal(404, "Not found.")
        return Answer(200, {**shown, "records": hosts})

    @route("PATCH", RRSETS + "{subname}/TXT/", fields={**RRSET, "type": optional(str)})
    def modify(self, request: Request, domain: str, subname: str) -> Answer:
        zone = self._zone(domain)
        self._change(zone, {**request.body, "subname": subname.replace("@", ""), "type": "TXT"})
        texts = zone.texts(_owner(subname.replace("@", ""), zone))
        return Answer(200, _rrset(zone, texts)) if texts else Answer(204)

    def _zone(self, domain: str) -> Zone:
        if domain not in self.zones:
            raise Refusal(404, "Not found.")
        return self.zones[domain]

    def _change(self, zone: Zone, rrset: Mapping[str, Any]) -> None:
        """What is not said stays as it is; no records is no RRset."""
        if not re.fullmatch(r"([a-z0-9_-]+(\.[a-z0-9_-]+)*)?", rrset.get("subname", "")):
            raise Refusal(400, "subname can only use (lowercase) a-z, 0-9, ., -, and _")
        name = _owner(rrset.get("subname", ""), zone)
        old = zone.texts(name)
        if not old and rrset.get("records") == []:
            return
        ttl = rrset.get("ttl", old[0].ttl if old else 0)
        if not self.least <= rrset.get("ttl", self.least if old else 0) <= 86400:
            raise Refusal(400, f"Ensure this value is greater than or equal to {self.least}.")
        records = rrset.get("records", [quoted(record.value) for record in old])
        if any(not re.fullmatch(r'".*"', record) for record in records):
            raise Refusal(400, "Record content malformed: Content must be quoted.")
        if len(records) != len(set(records)):
            raise Refusal(400, "Duplicate records.")
        zone.records[:] = [record for record in zone.records if record not in old]
        for record in records:
            self.add(zone, name, unquoted(record), ttl)

    def _list(self, items: Sequence[Any], request: Request) -> Answer:
        if "cursor" not in request.query and len(items) > PAGE:
            raise Refusal(400, "Pagination required. You can query up to 500 items at a time.")
        shown, number, pages = self.page(items, int(request.query.get("cursor") or 1), PAGE)
        where = f'<{self.url}/?cursor={number + 1}>; rel="next"'
        return Answer(200, shown, {"Link": where} if number < pages else {})


def _owner(subname: str, zone: Zone) -> str:
    return f"{subname}.{zone.apex}" if subname else zone.apex


def _domain(zone: Zone, least: int) -> Mapping[str, Any]:
    return {"name": zone.apex, "minimum_ttl": least, "published": "2026-01-01T00:00:00.000000Z"}


def _rrset(zone: Zone, texts: Sequence[Record]) -> Mapping[str, Any]:
    name = texts[0].name
    return {
        "domain": zone.apex,
        "subname": name.removesuffix(zone.apex).rstrip("."),
        "name": f"{name}.",
        "type": "TXT",
        "ttl": texts[0].ttl,
        "records": [quoted(record.value) for record in texts],
    }
