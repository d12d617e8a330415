"""acme-dns: its API, and its name server (https://github.com/joohoi/acme-dns)."""

from __future__ import annotations

import ipaddress
import re
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Self

import dns.message
import dns.rcode
from testbed import NameServer
from testbed import Zone as ServedZone
from testbed.sockets import Transport

from . import Answer, Fake, Refusal, Request, optional, route

CLIENT = ipaddress.ip_address("127.0.0.1")


class Account:
    """Two rows; an update takes the one that was updated longest ago, by whole seconds."""

    def __init__(self, password: str, allowfrom: Sequence[str]) -> None:
        self.username, self.subdomain = str(uuid.uuid4()), str(uuid.uuid4())
        self.password = password
        self.allowfrom = list(allowfrom)
        self.rows = [(0, ""), (0, "")]

    def update(self, value: str, now: float) -> None:
        oldest = min((0, 1), key=lambda row: self.rows[row][0])
        self.rows[oldest] = (int(now), value)

    @property
    def values(self) -> set[str]:
        return {value for _, value in self.rows if value}


class AcmeDns(Fake):
    """Serves ``apex`` at ``address``, port 53, unless there is no address.

    ``closed``: no registrations; ``now``: its clock.
    """

    closed = False

    def __init__(self, apex: str = "auth.example.net", address: str = "", tls: Any = None) -> None:
        super().__init__([], tls)
        self.apex = apex
        self.accounts: list[Account] = []
        self.now = time.time
        self._zone = ServedZone(apex, nameservers={apex: address or "127.0.0.1"})
        self._stack = ExitStack()
        self.server = _Server(address, zones=[self._zone]) if address else None

    def __enter__(self) -> Self:
        super().__enter__()
        if self.server:
            self._stack.enter_context(self.server)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
        super().__exit__(*exc)

    def make(self, *allowfrom: str) -> Account:
        """A new account."""
        account = Account(f"{uuid.uuid4().hex}{uuid.uuid4().hex}"[:40], allowfrom)
        self.accounts.append(account)
        return account

    def values(self, name: str) -> set[str]:
        return next(each.values for each in self.accounts if each.subdomain == name.partition(".")[0])

    def admit(self, request: Request) -> None:
        """Only an update needs credentials."""

    def error(self, refusal: Refusal) -> Any:
        return {"error": refusal.message}

    def respond(self, request: Request) -> Any:
        """Its JSON takes keys in any letter case, and nothing for an empty object."""
        body = request.body if request.body is not None or request.path != "/register" else {}
        folded = {key.lower(): value for key, value in body.items()} if isinstance(body, dict) else body
        return super().respond(request._replace(body=folded))

    @route("GET", "/health")
    def health(self, request: Request) -> Answer:
        return Answer(200)

    @route("POST", "/register", fields={"allowfrom": optional(list)})
    def register(self, request: Request) -> Answer:
        if self.closed:
            raise Refusal(404, "404 page not found")
        for network in request.body.get("allowfrom", ()):
            if "/" not in network:
                raise Refusal(400, "invalid_allowfrom_cidr")
        account = self.make(*request.body.get("allowfrom", ()))
        made = {
            "username": account.username,
            "password": account.password,
            "fulldomain": f"{account.subdomain}.{self.apex}",
            "subdomain": account.subdomain,
            "allowfrom": account.allowfrom,
        }
        return Answer(201, made)

    @route("POST", "/update", fields={"subdomain": str, "txt": str})
    def update(self, request: Request) -> Answer:
        key = (request.headers.get("X-Api-User"), request.headers.get("X-Api-Key"))
        account = next((each for each in self.accounts if key == (each.username, each.password)), None)
        if account is None or request.body["subdomain"] != account.subdomain:
            raise Refusal(401, "forbidden")
        if account.allowfrom and not any(CLIENT in ipaddress.ip_network(each) for each in account.allowfrom):
            raise Refusal(401, "forbidden")
        if not re.fullmatch("[A-Za-z0-9_-]{43}", request.body["txt"]):
            raise Refusal(400, "bad_txt")
        account.update(request.body["txt"], self.now())
        self._zone.set(f"{account.subdomain}.{self.apex}", "TXT", *account.values, ttl=1)
        return Answer(200, {"txt": request.body["txt"]})


class _Server(NameServer):
    """It knows of no name but by its TXT records: for any other type, there is no such name."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        apexes = [rrset.name for rrset in response.authority] if response else []
        if response and not response.answer and query.question[0].name not in apexes:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response
