"""A service as lego's provider httpreq wants it (https://go-acme.github.io/lego/dns/httpreq/)."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

from . import Answer, Fake, Refusal, Request, optional, route

USER = "me"
TOLD = dict.fromkeys(("fqdn", "value", "domain", "token", "keyAuth"), optional(str))


class Httpreq(Fake):
    """Takes the record or the challenge. What is there already, or gone, is success, unless it is
    ``strict``; ``careless``: a cleanup removes all that is at the name."""

    hosts = ("dns.example",)
    strict = careless = False

    def admit(self, request: Request) -> None:
        pair = b64encode(f"{USER}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            raise Refusal(401, "who are you?")

    def error(self, refusal: Refusal) -> Any:
        return refusal.message.encode()

    @route("POST", "/present", fields=TOLD)
    def present(self, request: Request) -> Answer:
        name, value = self._record(request.body)
        if value not in self.values(name):
            self.add_foreign(name, value, 120)
        elif self.strict:
            raise Refusal(409, "there already")
        return Answer(200, b"done")

    @route("POST", "/cleanup", fields=TOLD)
    def cleanup(self, request: Request) -> Answer:
        name, value = self._record(request.body)
        if value not in self.values(name) and self.strict:
            raise Refusal(409, "nothing of the kind is there")
        for zone in self.zones.values():
            zone.records[:] = [
                record
                for record in zone.records
                if record.name != name or (record.value != value and not self.careless)
            ]
        return Answer(200, b"done")

    def _record(self, body: Any) -> tuple[str, str]:
        match body:
            case {"fqdn": str(name), "value": str(value), **rest} if name.endswith(".") and not rest:
                return name.removesuffix("."), value
            case {"domain": str(domain), "token": str(token), "keyAuth": str(key), **rest} if not rest:
                if "*" in domain or key.split(".")[0] != token:
                    raise Refusal(400, "no such challenge")
                digest = sha256(key.encode()).digest()
                return f"_acme-challenge.{domain}", urlsafe_b64encode(digest).decode().rstrip("=")
        raise Refusal(400, "neither a record nor a challenge")
