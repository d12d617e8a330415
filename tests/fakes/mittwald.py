"""mittwald's API v2, as far as TXT RRsets go (https://developer.mittwald.de/docs/v2/reference/domain/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from . import Answer, Fake, Fault, Refusal, Request, Zone, optional, route

RRSET = {"entries": optional(list), "settings": optional(dict)}
AUTO = 0  # the TTL of what leaves it to mittwald


class Mittwald(Fake):
    """Each name that has records has an object, which is called a zone; a domain has one in any case.
    A write answers with an event, and ``slow`` is how many requests that want it reached come too soon;
    ``foreign`` how many are told that an object which was just made is not theirs. ``unicode`` has the
    domains that are called in U-labels.
    """

    prefix = "/v2"
    hosts = ("api.mittwald.de",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.made: set[str] = set()
        self.events = 0
        self.slow = self.foreign = 0
        self.unicode: dict[str, str] = {}

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        event = {name.lower(): value for name, value in request.headers.items()}.get("if-event-reached")
        if event and self.slow:
            self.slow -= 1
            self.requests.append(request)
            return Answer(412, {"type": "FailedPrecondition", "message": "event not reached"}), None
        return super().respond(request)

    def admit(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "access token invalid")

    def error(self, refusal: Refusal) -> Any:
        return {"type": "ValidationError", "message": refusal.message}

    @route("GET", "/domains")
    def list_domains(self, request: Request) -> Answer:
        zones = self.zones.values()
        return Answer(
            200, [{"domain": self._called(zone.apex), "projectId": f"p-{zone.id}"} for zone in zones]
        )

    @route("GET", "/projects/{project}/dns-zones")
    def list_objects(self, request: Request, project: str) -> Answer:
        zone = self.zone(project.removeprefix("p-"))
        return Answer(200, [self._shown(zone, name) for name in self._names(zone)])

    @route("POST", "/dns-zones", fields={"name": str, "parentZoneId": str})
    def make(self, request: Request) -> Answer:
        zone, parent = self._object(request.body["parentZoneId"])
        name = f"{request.body['name']}.{parent}"
        if parent != zone.apex:
            raise Refusal(400, "parentZoneId is not a domain's own")
        if name in self._names(zone):
            raise Refusal(409, "the zone exists already")
        self.made.add(name)
        return self._written(201, {"id": _id(name)})

    @route("PUT", "/dns-zones/{id}/record-sets/txt", fields=RRSET)
    def replace(self, request: Request, id: str) -> Answer:
        zone, name = self._object(id)
        if name in self.made and self.foreign:
            self.foreign -= 1
            raise Refusal(403, "access denied")
        values, ttl = request.body.get("entries"), request.body.get("settings", {}).get("ttl")
        if request.body and (not values or ttl not in ({"auto": True}, {"seconds": _seconds(ttl)})):
            raise Refusal(400, "entries and settings.ttl are required")
        zone.records[:] = [record for record in zone.records if record.name != name]
        self.made.add(name)
        for value in values or ():
            self.add(zone, name, value, _seconds(ttl))
        return self._written(204)

    def _written(self, status: int, body: Any = None) -> Answer:
        self.events += 1
        return Answer(status, body, {"ETag": f"event-{self.events}"})

    def _names(self, zone: Zone) -> list[str]:
        made = {name for name in self.made if max(self._above(name), key=len) == zone.apex}
        return sorted({zone.apex, *made, *(record.name for record in zone.records)})

    def _above(self, name: str) -> Iterator[str]:
        return (apex for apex in self.zones if f".{name}".endswith(f".{apex}"))

    def _object(self, id: str) -> tuple[Zone, str]:
        for zone in self.zones.values():
            for name in self._names(zone):
                if _id(name) == id:
                    return zone, name
        raise Refusal(404, "there is no such zone")

    def _called(self, name: str) -> str:
        for apex, called in self.unicode.items():
            name = f"{name.removesuffix(apex)}{called}" if name.endswith(apex) else name
        return name

    def _shown(self, zone: Zone, name: str) -> Mapping[str, Any]:
        texts, unset = zone.texts(name), {"cname": {}, "mx": {}, "srv": {}, "caa": {}}
        rrset = {}
        if texts:
            ttl = {"auto": True} if texts[0].ttl == AUTO else {"seconds": texts[0].ttl}
            rrset = {"entries": [record.value for record in texts], "settings": {"ttl": ttl}}
        return {"id": _id(name), "domain": self._called(name), "recordSet": {**unset, "txt": rrset}}


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))


def _seconds(ttl: Any) -> int:
    seconds = ttl.get("seconds", AUTO) if isinstance(ttl, dict) else AUTO
    if seconds and not 60 <= seconds <= 86400:
        raise Refusal(400, "ttl.seconds has to be between 60 and 86400")
    return int(seconds)
