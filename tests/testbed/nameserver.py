"""An authoritative name server that lags, lies, drops or truncates, one line each."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from .sockets import Sockets, Transport
from .zone import Records, Zone, answer

PAYLOAD = 1232  # what most servers offer (DNS flag day 2020)


class Question(NamedTuple):
    """What a client (its IP address) wanted to know, and when (``at``: seconds of the server's
    clock). The name is in lower case, without the trailing dot."""

    name: str
    type: str
    over: Transport
    at: float
    client: str


class RateLimit:
    """At most ``per_second`` UDP answers a second to one client; of the rest, every ``slip``-th
    comes back truncated and the others are dropped (0: all), like BIND's ``rate-limit``."""

    def __init__(self, per_second: int, slip: int = 2) -> None:
        self._per_second, self._slip = per_second, slip
        self._sent: Counter[tuple[str, int]] = Counter()

    def verdict(self, client: str, now: float) -> Literal["answer", "slip", "drop"]:
        self._sent[client, int(now)] += 1
        excess = self._sent[client, int(now)] - self._per_second
        if excess <= 0:
            return "answer"
        return "slip" if self._slip and excess % self._slip == 0 else "drop"


class NameServer:
    """Serves zones with authority at one address, as the RFCs ask, until it is told otherwise.

    ``with NameServer("127.1.0.1", zones=[Zone("example.org", "www A 192.0.2.1")]) as server:``

    Its zones may change at any time (``server.zone("example.org").set(...)``), and it may be
    spoilt at any time, one line each:

    - ``server.lag = 20``: a change shows after 20 seconds. ``server.freeze()``: not until
      ``server.thaw()``. ``server.alternate()``: every second answer to a question is from
      before, as if two machines shared the address, until ``server.thaw()``.
    - ``server.rcode = "REFUSED"``: to everything. ``server.rcodes["example.org", "CAA"] =
      "SERVFAIL"``: to that question.
    - ``server.authoritative = False``: AA=0. ``server.intercepted = True``: AA=0 and RA=1.
    - ``server.silent = True``, ``server.drop_udp = True``, ``server.drop_tcp = True``.
    - ``server.delay = 2``: each answer comes two seconds late.
    - ``server.truncate = True``: TC and nothing else, over UDP.
    - ``server.rate_limit = RateLimit(5)``.

    For any other mischief, override ``answer``. ``server.questions`` has all that it was asked.
    """

    def __init__(
        self,
        address: str,
        port: int = 53,
        zones: Sequence[Zone] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address, self.port = address, port
        self.questions: list[Question] = []
        self.lag = 0.0
        self.rcode = ""
        self.rcodes: dict[tuple[str, str], str] = {}
        self.authoritative = True
        self.intercepted = False
        self.silent = self.drop_udp = self.drop_tcp = self.truncate = False
        self.rate_limit: RateLimit | None = None
        self._clock = clock
        self._zones = {zone.apex: zone for zone in zones}
        self._past: dict[dns.name.Name, int] = {}
        self._alternates = False
        self._turns: Counter[tuple[dns.name.Name, int]] = Counter()
        self._sockets = Sockets(address, port, self._handle)

    def __enter__(self) -> Self:
        self._sockets.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._sockets.stop()

    @property
    def delay(self) -> float:
        """Seconds that each answer takes."""
        return self._sockets.delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        self._sockets.delay = seconds

    def zone(self, apex: str) -> Zone:
        """One of the zones that it serves."""
        return self._zones[dns.name.from_text(apex)]

    def serve(self, zone: Zone) -> None:
        """One zone more."""
        self._zones[zone.apex] = zone

    def drop(self, apex: str) -> None:
        """One zone less: questions about it are now its parent's, or REFUSED."""
        del self._zones[dns.name.from_text(apex)]

    def asked(self, name: str, type: str = "") -> list[Question]:
        """The questions about exactly this name (of this type) so far."""
        wanted = name.rstrip(".").lower()
        return [each for each in list(self.questions) if each.name == wanted and type in ("", each.type)]

    def freeze(self) -> None:
        """Answer from the zones as they are now, whatever becomes of them."""
        self._past = {apex: zone.versions() for apex, zone in self._zones.items()}

    def alternate(self) -> None:
        """Answer each question in turn from the zones as they are now and as they will be."""
        self.freeze()
        self._alternates = True

    def thaw(self) -> None:
        """Answer from the zones as they really are (but for ``lag``)."""
        self._past, self._alternates = {}, False

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        """The right answer; None: none at all. Override it to give another."""
        response = dns.message.make_response(query, our_payload=PAYLOAD)
        if query.edns > 0:
            response.set_rcode(dns.rcode.BADVERS)
        elif query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
        elif query.question[0].rdtype == dns.rdatatype.ANY:
            response.set_rcode(dns.rcode.NOTIMP)
        else:
            zone = self._zone_of(query.question[0].name, query.question[0].rdtype)
            if zone is None or query.question[0].rdclass != dns.rdataclass.IN:
                response.set_rcode(dns.rcode.REFUSED)
            else:
                answer(self._records(zone, query), zone.apex, response)
        return response

    def _zone_of(self, name: dns.name.Name, type: int) -> Zone | None:
        """The deepest; the DS records of a zone are in its parent (RFC 4035 §3.1.4.1)."""
        fitting = [zone for apex, zone in list(self._zones.items()) if name.is_subdomain(apex)]
        above = [zone for zone in fitting if zone.apex != name] if type == dns.rdatatype.DS else []
        return max(above or fitting, key=lambda zone: len(zone.apex), default=None)

    def _records(self, zone: Zone, query: dns.message.Message) -> Records:
        count = self._past.get(zone.apex)
        if self._alternates:
            turn = (query.question[0].name, query.question[0].rdtype)
            self._turns[turn] += 1
            count = count if self._turns[turn] % 2 == 0 else None
        return zone.at(self._clock() - self.lag if self.lag else math.inf, count)

    def _handle(self, wire: bytes, over: Transport, client: str) -> bytes | None:
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return _format_error(wire)
        asked = [(_plain(each.name), dns.rdatatype.to_text(each.rdtype)) for each in query.question]
        self.questions += [Question(name, type, over, self._clock(), client) for name, type in asked]
        if self.silent or (self.drop_udp if over == "udp" else self.drop_tcp):
            return None
        response = self.answer(query, over)
        if response is None:
            return None
        if rcode := self.rcode or next((self.rcodes[each] for each in asked if each in self.rcodes), ""):
            response = dns.message.make_response(query, our_payload=PAYLOAD)
            response.set_rcode(dns.rcode.from_text(rcode))
        if not self.authoritative or self.intercepted:
            response.flags &= ~dns.flags.AA
        if self.intercepted:
            response.flags |= dns.flags.RA
        if over == "tcp":
            return response.to_wire(max_size=65535)
        limit = self.rate_limit.verdict(client, self._clock()) if self.rate_limit else "answer"
        if limit == "drop":
            return None
        if self.truncate or limit == "slip":
            _truncate(response)
        return response.to_wire(max_size=max(512, query.payload), prefer_truncation=True)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _truncate(response: dns.message.Message) -> None:
    response.flags |= dns.flags.TC
    response.answer, response.authority, response.additional = [], [], []


def _format_error(wire: bytes) -> bytes | None:
    """FORMERR with the id of what could not be read; None for what has no id to answer to, or
    is itself a response."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    return wire[:2] + bytes([0x80, dns.rcode.FORMERR]) + bytes(8)
