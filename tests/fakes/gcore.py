"""Gcore's DNS API v2, as far as TXT RRsets go (https://gcore.com/docs/api-reference/dns)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Record, Refusal, Request, Zone, optional, route

OTHERS = {"filters": optional(list), "meta": optional(dict), "pickers": optional(list)}
RRSET = {"ttl": int, "resource_records": list, **OTHERS}
RECORD = {"content", "enabled", "meta"}
PAGE, MOST = 100, 1000  # zones


class Gcore(Fake):
    """A POST creates and a PUT replaces, each but for the other's case. ``about`` has what an RRset or
    a record has besides, by its name or the record's id."""

    prefix = "/dns/v2"
    former_prefix = "/v2"
    hosts = ("api.gcore.com", "api.gcorelabs.com", "dnsapi.gcorelabs.com")

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.about: dict[str, Mapping[str, Any]] = {}

    def admit(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"APIKey {self.token}":
            raise Refusal(401, "invalid api key")

    def error(self, refusal: Refusal) -> Any:
        return {"error": refusal.message}

    @route("GET", "/zones", query=["limit", "offset"])
    def list_zones(self, request: Request) -> Answer:
        limit, offset = int(request.query.get("limit", PAGE)), int(request.query.get("offset", 0))
        if limit > MOST:
            raise Refusal(400, f"limit: {MOST} at most")
        apexes = [*self.zones][:limit] if self.repeats else [*self.zones][offset : offset + limit]
        zones = [{"id": int(self.zones[apex].id), "name": apex, "enabled": True} for apex in apexes]
        return Answer(200, {"zones": zones, "total_amount": len(self.zones)})

    @route("GET", "/zones/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        found = self._zone(zone)
        return Answer(200, {"id": int(found.id), "name": found.apex, "records": []})

    @route("GET", "/zones/{zone}/{name}/TXT")
    def read(self, request: Request, zone: str, name: str) -> Answer:
        there = self._there(zone, name.rstrip("."))
        records = [
            {
                "id": int(record.id),
                "content": [record.value],
                "enabled": True,
                **self.about.get(record.id, {}),
            }
            for record in there
        ]
        whole = {"filters": [], "meta": {}, "pickers": None, **self.about.get(name, {})}
        return Answer(200, {"type": "TXT", "ttl": there[0].ttl, "resource_records": records, **whole})

    @route("GET", "/zones/{zone}/{name}/NS")
    def read_ns(self, request: Request, zone: str, name: str) -> Answer:
        if self._zone(zone).apex != name:
            raise Refusal(404, "record is not found")
        records = [{"id": id, "content": [host]} for id, host in enumerate(self.name_servers, 1)]
        return Answer(200, {"name": name, "type": "NS", "ttl": 3600, "resource_records": records})

    @route("POST", "/zones/{zone}/{name}/TXT", fields=RRSET)
    def create(self, request: Request, zone: str, name: str) -> Answer:
        if self._zone(zone).texts(name):
            raise Refusal(409, "rrset already exists")
        return self._have(self._zone(zone), name, request.body)

    @route("PUT", "/zones/{zone}/{name}/TXT", fields=RRSET)
    def replace(self, request: Request, zone: str, name: str) -> Answer:
        self._drop(zone, self._there(zone, name))
        return self._have(self._zone(zone), name, request.body)

    @route("DELETE", "/zones/{zone}/{name}/TXT")
    def delete(self, request: Request, zone: str, name: str) -> Answer:
        self._drop(zone, self._there(zone, name.rstrip(".")))
        return Answer(200, {})

    def _have(self, zone: Zone, name: str, body: Mapping[str, Any]) -> Answer:
        if not body["resource_records"] or any(set(each) - RECORD for each in body["resource_records"]):
            raise Refusal(400, f"resource_records: at least one, with {sorted(RECORD)}")
        if body["ttl"] < 120:
            raise Refusal(400, "ttl: 120 at least")
        self.about[name] = {key: body[key] for key in OTHERS if key in body}
        for each in body["resource_records"]:
            record = self.add(zone, name, "".join(each["content"]), body["ttl"])
            self.about[record.id] = {key: more for key, more in each.items() if key != "content"}
        return Answer(200, {})

    def _drop(self, zone: str, there: Sequence[Record]) -> None:
        records = self._zone(zone).records
        records[:] = [record for record in records if record not in there]

    def _zone(self, apex: str) -> Zone:
        return self.zone(apex.rstrip("."))

    def _there(self, zone: str, name: str) -> Sequence[Record]:
        there = self._zone(zone).texts(name)
        if not there:
            raise Refusal(404, "record is not found")
        return there
