"""AutoDNS's JSON API v1, as far as TXT records go (https://help.internetx.com/display/APIJSONEN)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, optional, route

SERVER = "a.ns14.net"
SEARCH = {"filters": optional(list), "view": optional(dict)}
RECORD = {"name", "type", "value", "ttl"}


class AutoDns(Fake):
    """A zone is named with the server that has it, but for its changes: those may be said to any name
    within it, and are made all or not at all. A record's name is absolute with a dot, relative without,
    and left out for the apex."""

    prefix = "/v1"
    hosts = ("api.autodns.com",)
    user, context = "me", "4"

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        """A list of nothing may be null as well."""
        if isinstance(request.body, dict):
            given = {name: value for name, value in request.body.items() if value is not None}
            request = request._replace(body=given)
        return super().respond(request)

    def admit(self, request: Request) -> None:
        who = b64encode(f"{self.user}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {who}":
            raise Refusal(401, "Der Benutzer konnte nicht authentifiziert werden.")
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("x-domainrobot-context") != self.context:
            raise Refusal(401, "There is no such user in this context.")

    def error(self, refusal: Refusal) -> Any:
        text, _, value = refusal.message.partition(" | ")
        objects = [{"type": "zone", "value": value}] if value else []
        message = {"code": "EF02022", "text": text, "status": "ERROR", "objects": objects}
        status = {"code": "E0202002", "text": "Zone konnte nicht aktualisiert werden.", "type": "ERROR"}
        return {"stid": "20260101-app1-1", "messages": [message], "status": status}

    @route("POST", "/zone/_search", fields=SEARCH, writes=False)
    def search(self, request: Request) -> Answer:
        zones = list(self.zones.values())
        for each in request.body.get("filters", ()):
            if each.keys() != {"key", "operator", "value"} or each["operator"] != "EQUAL":
                raise Refusal(400, "Der Filter ist ungueltig.")
            zones = [zone for zone in zones if each["key"] == "name" and zone.apex == each["value"]]
        view = {"limit": 20, "offset": 0, **request.body.get("view", {})}
        start = 0 if self.repeats else view["offset"]
        return _found(*map(_head, zones[start : start + min(view["limit"], 100)]))

    @route("GET", "/zone/{name}/{server}")
    def read(self, request: Request, name: str, server: str) -> Answer:
        zone = self.zone(name)
        if server != SERVER:
            raise Refusal(404, "Die Zone existiert nicht.")
        servers = [{"name": host} for host in self.name_servers]
        records = [_shown(zone, each) for each in zone.records]
        return _found({**_head(zone), "nameServers": servers, "resourceRecords": records})

    @route("POST", "/zone/{name}/_stream", fields={"adds": optional(list), "rems": optional(list)})
    def stream(self, request: Request, name: str) -> Answer:
        zone = self._zone_of(name.removesuffix("."))
        adds = [self._record(zone, each) for each in request.body.get("adds", ())]
        rems = [self._record(zone, each) for each in request.body.get("rems", ())]
        there = [(record.name, record.type, record.value, record.ttl) for record in zone.records]
        for owner, type, value, _ in adds:
            if any((owner, type, value) == record[:3] for record in there):
                line = f'{zone.apex}@{SERVER}/rr[0]: {owner} {type} "{value}"'
                raise Refusal(400, f"Der Zusatzeintrag wurde doppelt eingetragen. | {line}")
        if any(each not in there for each in rems):
            raise Refusal(400, "Der Zusatzeintrag wurde nicht gefunden.")
        gone = {there.index(each) for each in rems}
        zone.records[:] = [each for number, each in enumerate(zone.records) if number not in gone]
        for owner, type, value, ttl in adds:
            self.add(zone, owner, value, ttl, type)
        return _found(_head(zone))

    def _record(self, zone: Zone, record: Any) -> tuple[str, str, str, int]:
        if not isinstance(record, dict) or not record.keys() <= RECORD or "value" not in record:
            raise Refusal(400, "Der Zusatzeintrag ist ungueltig.")
        name = record.get("name", "")
        owner = name.rstrip(".") if name.endswith(".") else f"{name}.{zone.apex}".lstrip(".")
        return owner, record["type"], record["value"], record.get("ttl", 86400)

    def _zone_of(self, name: str) -> Zone:
        fitting = [zone for zone in self.zones.values() if f".{name}".endswith(f".{zone.apex}")]
        if not fitting:
            raise Refusal(404, "Die Zone existiert nicht.")
        return max(fitting, key=lambda zone: len(zone.apex))


def _found(*zones: Mapping[str, Any]) -> Answer:
    status = {"code": "S0205", "text": "Die Daten wurden erfolgreich ermittelt.", "type": "SUCCESS"}
    return Answer(200, {"stid": "20260101-app1-1", "status": status, "data": list(zones)})


def _head(zone: Zone) -> Mapping[str, Any]:
    return {"origin": zone.apex, "virtualNameServer": SERVER, "soa": {"ttl": 86400}}


def _shown(zone: Zone, record: Record) -> Mapping[str, Any]:
    within = record.name.removesuffix(zone.apex).rstrip(".")
    name = {"name": within} if within else {}
    return {**name, "type": record.type, "value": record.value, "ttl": record.ttl}
