"""Hetzner's Cloud API, as far as TXT RRsets go (https://docs.hetzner.cloud/reference/cloud#dns)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import Answer, Fake, Refusal, Request, Zone, optional, route
from .texts import quoted, unquoted

CODES = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    423: "locked",
    422: "invalid_input",
}
RRSET = "/zones/{zone}/rrsets/{name}/TXT"


class Hetzner(Fake):
    """A change is an action: accepted, it runs for a while, and then it has succeeded, or failed if
    ``failing`` says so. ``secondary`` has the apexes of zones that are copied from elsewhere."""

    prefix = "/v1"
    hosts = ("api.hetzner.cloud",)
    invalid = 422

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.failing = False
        self.secondary: set[str] = set()
        self.running: dict[str, int] = {}
        self.most_running = 0
        self.asked_until_done = 3  # times, that an action is running

    def error(self, refusal: Refusal) -> Any:
        code = CODES.get(refusal.status, "unknown_error")
        return {"error": {"code": code, "message": refusal.message, "details": None}}

    @route("GET", "/zones", query=["name", "mode", "page", "per_page"])
    def list_zones(self, request: Request) -> Answer:
        size = int(request.query.get("per_page", 25))
        if not 1 <= size <= 50:
            raise Refusal(422, "invalid input in field 'per_page'")
        fitting = [shown for shown in map(self._zone, self.zones.values()) if _fits(shown, request.query)]
        zones, number, pages = self.page(fitting, int(request.query.get("page", 1)), size)
        following = number + 1 if number < pages else None
        pagination = {"page": number, "per_page": size, "next_page": following, "last_page": pages}
        return Answer(200, {"zones": zones, "meta": {"pagination": pagination}})

    @route("GET", "/zones/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        return Answer(200, {"zone": self._zone(self.zone(zone))})

    @route("GET", "/zones/actions/{id}")
    def show_zone_action(self, request: Request, id: str) -> Answer:
        return self.show_action(request, id)  # type: ignore[no-any-return]

    @route("GET", "/actions/{id}")
    def show_action(self, request: Request, id: str) -> Answer:
        if id not in self.running:
            raise Refusal(404, "Action not found")
        self.running = {each: max(0, left - 1) for each, left in self.running.items()}
        return Answer(200, {"action": self._action(id)})

    @route("GET", "/zones/{zone}/rrsets", query=["name", "type"])
    def list_rrsets(self, request: Request, zone: str) -> Answer:
        shown = _rrset(self.zone(zone), request.query["name"])
        page = {"page": 1, "per_page": 25, "next_page": None, "last_page": 1, "total_entries": len(shown)}
        return Answer(200, {"rrsets": shown, "meta": {"pagination": page}})

    @route("GET", RRSET)
    def read(self, request: Request, zone: str, name: str) -> Answer:
        for rrset in _rrset(self.zone(zone), name):
            return Answer(200, {"rrset": rrset})
        raise Refusal(404, "RRSet not found")

    @route("GET", "/zones/{zone}/rrsets/{name}/NS")
    def read_ns(self, request: Request, zone: str, name: str) -> Answer:
        records = [{"value": f"{host}.", "comment": ""} for host in self.name_servers]
        shown = {"id": "@/NS", "name": "@", "type": "NS", "ttl": 3600, "records": records}
        if self.zone(zone) and name != "@":
            raise Refusal(404, "RRSet not found")
        return Answer(200, {"rrset": shown})

    @route("POST", f"{RRSET}/actions/add_records", fields={"records": list, "ttl": optional(int)})
    def add_records(self, request: Request, zone: str, name: str) -> Answer:
        holder, owner = self._primary(zone), _owner(name, self.zone(zone))
        present, values = holder.texts(owner), _values(request)
        for value in values:
            if value in {record.value for record in present} or values.count(value) > 1:
                raise Refusal(422, f"duplicate value '\"{value}\"'")
        ttl = request.body.get("ttl", present[0].ttl if present else 3600)
        if ttl < 60:
            raise Refusal(422, "invalid input in field 'ttl': must be greater than or equal to 60")
        if {record.ttl for record in present} - {ttl}:
            raise Refusal(422, f"{name}/TXT has differing record TTLs")
        if not self.failing:
            for value in values:
                self.add(holder, owner, value, ttl)
        return self._accept()

    @route("POST", f"{RRSET}/actions/remove_records", fields={"records": list})
    def remove_records(self, request: Request, zone: str, name: str) -> Answer:
        holder, owner = self._primary(zone), _owner(name, self.zone(zone))
        present, values = holder.texts(owner), _values(request)
        if not present:
            raise Refusal(404, "RRSet not found")
        if unknown := set(values) - {record.value for record in present}:
            raise Refusal(422, f"unknown values {sorted(unknown)}")
        if not self.failing:
            gone = [record for record in present if record.value in values]
            holder.records[:] = [record for record in holder.records if record not in gone]
        return self._accept()

    def _primary(self, key: str) -> Zone:
        zone = self.zone(key)
        if zone.apex in self.secondary:
            raise Refusal(422, "zone is not in primary mode")
        return zone

    def _accept(self) -> Answer:
        id = self.new_id()
        self.running[id] = self.asked_until_done
        self.most_running = max(self.most_running, sum(left > 0 for left in self.running.values()))
        return Answer(201, {"action": self._action(id)})

    def _action(self, id: str) -> Mapping[str, Any]:
        status, error = "running", None
        if not self.running[id]:
            status = "error" if self.failing else "success"
        if status == "error":
            error = {"code": "action_failed", "message": "The action's own words."}
        return {"id": int(id), "command": "change_rrset_records", "status": status, "error": error}

    def _zone(self, zone: Zone) -> Mapping[str, Any]:
        mode = "secondary" if zone.apex in self.secondary else "primary"
        return {"id": int(zone.id), "name": zone.apex, "mode": mode, "ttl": 3600, "status": "ok"}


def _fits(shown: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    return all(query.get(key) in (None, shown[key]) for key in ("name", "mode"))


def _rrset(zone: Zone, name: str) -> list[Mapping[str, Any]]:
    """The TXT RRset at a relative name, in a list; none, if there is none."""
    texts = zone.texts(_owner(name, zone))
    records = [{"value": quoted(record.value), "comment": ""} for record in texts]
    rrset = {"id": f"{name}/TXT", "name": name, "type": "TXT", "records": records}
    return [{**rrset, "ttl": texts[0].ttl}] if texts else []


def _owner(name: str, zone: Zone) -> str:
    return zone.apex if name == "@" else f"{name}.{zone.apex}"


def _values(request: Request) -> list[str]:
    values = [record["value"] for record in request.body["records"]]
    for value in values:
        if not (value.startswith('"') and value.endswith('"') and len(value) > 1):
            raise Refusal(422, f"invalid TXT record: {value}")
    return [unquoted(value) for value in values]
