"""OVHcloud's API v1, as far as TXT records go (https://eu.api.ovh.com/console/)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from hashlib import sha1
from typing import Any
from urllib.parse import urlencode

from . import Answer, Fake, Fault, Record, Refusal, Request, Zone, optional, route
from .texts import quoted, unquoted

KEY, CONSUMER = "an-application-key", "a-consumer-key"
CODES = {403: "NOT_GRANTED_CALL"}
RECORD = {"fieldType": str, "subDomain": optional(str), "target": str, "ttl": optional(int)}
TIME = "/1.0/auth/time"


class Ovh(Fake):
    """Every request is signed, by a clock that is ``ahead`` of ours. Targets come back quoted; the
    zones in ``stale`` have changes that name servers do not know of. The filters of a list are SQL's
    LIKE. Who asks for the time is in ``asked``.
    """

    prefix = "/1.0"
    hosts = ("eu.api.ovh.com",)

    def __init__(self, apexes: Sequence[str], tls: Any = None) -> None:
        super().__init__(apexes, tls)
        self.ahead = 1000.0
        self.stale: set[str] = set()
        self.asked: list[Request] = []
        self.lists_zones = True  # whether the key has a right to that
        self.only_beneath = ""  # the zone that the key has a right to, and only to what is beneath it

    def respond(self, request: Request) -> tuple[Answer, Fault | None]:
        if (request.method, request.path) != ("GET", TIME):
            return super().respond(request)
        self.asked.append(request)
        fault, self.trouble = self.trouble, None
        return Answer(200, int(time.time() + self.ahead)), fault

    def admit(self, request: Request) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("x-ovh-application") != KEY:
            raise Refusal(403, "INVALID_KEY: This application key is invalid")
        if headers.get("x-ovh-consumer") != CONSUMER:
            raise Refusal(403, "INVALID_CREDENTIAL: This credential does not exist")
        stamp = headers["x-ovh-timestamp"]
        if abs(int(stamp) - time.time() - self.ahead) > 30:
            raise Refusal(400, "QUERY_TIME_OUT: Query out of time")
        query = f"?{urlencode(request.query)}" if request.query else ""
        where = f"{self._origin(headers['host'])}{request.path}{query}"
        signed = "+".join((self.token, CONSUMER, request.method, where, _body(request), stamp))
        if headers.get("x-ovh-signature") != "$1$" + sha1(signed.encode()).hexdigest():
            raise Refusal(400, "INVALID_SIGNATURE: Invalid signature")

    def error(self, refusal: Refusal) -> Any:
        code, colon, message = refusal.message.partition(": ")
        if not colon:
            code, message = CODES.get(refusal.status, ""), refusal.message
        more = {"errorCode": code, "httpCode": str(refusal.status)} if code else {}
        return {"class": "Client::Error", "message": message, **more}

    @route("GET", "/domain/zone")
    def list_zones(self, request: Request) -> Answer:
        if not self.lists_zones:
            raise Refusal(403, "NOT_GRANTED_CALL: This call has not been granted")
        return Answer(200, [*self.zones])

    @route("GET", "/domain/zone/{zone}")
    def show_zone(self, request: Request, zone: str) -> Answer:
        if self.only_beneath:
            raise Refusal(403, "NOT_GRANTED_CALL: This call has not been granted")
        return Answer(
            200, {"name": self.zone(zone).apex, "hasDnsAnycast": False, "nameServers": [*self.name_servers]}
        )

    @route("GET", "/domain/zone/{zone}/record", query=["fieldType", "subDomain"])
    def list_records(self, request: Request, zone: str) -> Answer:
        if self.only_beneath not in ("", zone):
            raise Refusal(403, "NOT_GRANTED_CALL: This call has not been granted")
        like = re.escape(request.query.get("subDomain", "%")).replace("_", ".").replace("%", ".*")
        found = [
            int(record.id)
            for record in self.zone(zone).records
            if re.fullmatch(like, _subdomain(record, zone), re.IGNORECASE)
            and request.query.get("fieldType", "TXT") == record.type
        ]
        return Answer(200, found)

    @route("GET", "/domain/zone/{zone}/record/{id}")
    def read(self, request: Request, zone: str, id: str) -> Answer:
        return Answer(200, _shown(self._record(self.zone(zone), id), zone))

    @route("POST", "/domain/zone/{zone}/record", fields=RECORD)
    def create(self, request: Request, zone: str) -> Answer:
        holder, body = self.zone(zone), request.body
        ttl = body.get("ttl", 0)
        if ttl and ttl < 60:
            raise Refusal(400, "Invalid TTL: it has to be 60 at least")
        sub = body.get("subDomain", "")
        if sub.startswith("@") or sub.endswith("."):
            raise Refusal(400, f"Invalid subDomain {sub}")
        name = f"{sub}.{zone}" if sub else zone
        record = self.add(holder, name, unquoted(body["target"]), ttl or 3600, body["fieldType"])
        self.stale.add(zone)
        return Answer(200, _shown(record, zone))

    @route("DELETE", "/domain/zone/{zone}/record/{id}")
    def delete(self, request: Request, zone: str, id: str) -> Answer:
        holder = self.zone(zone)
        holder.records.remove(self._record(holder, id))
        self.stale.add(zone)
        return Answer(200)

    @route("POST", "/domain/zone/{zone}/refresh")
    def refresh(self, request: Request, zone: str) -> Answer:
        self.stale.discard(self.zone(zone).apex)
        return Answer(200)

    def _record(self, zone: Zone, id: str) -> Record:
        for record in zone.records:
            if record.id == id:
                return record
        raise Refusal(404, "This service does not exist")

    def _origin(self, host: str) -> str:
        return f"{'https' if self._tls else 'http'}://{host}"


def _body(request: Request) -> str:
    """The body as it was sent: of the two ways to write JSON, the one of that length."""
    if request.body is None:
        return ""
    ways = (json.dumps(request.body), json.dumps(request.body, separators=(",", ":")))
    return next((way for way in ways if str(len(way)) == request.headers["Content-Length"]), "")


def _subdomain(record: Record, zone: str) -> str:
    return record.name.removesuffix(zone).rstrip(".")


def _shown(record: Record, zone: str) -> Any:
    return {
        "id": int(record.id),
        "zone": zone,
        "fieldType": record.type,
        "subDomain": _subdomain(record, zone),
        "target": quoted(record.value),
        "ttl": record.ttl,
    }
