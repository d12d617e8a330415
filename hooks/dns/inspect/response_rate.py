"""Whether a server limits the rate of its answers to one address (RRL), so low that a CA may feel it, or
answers get lost on the way."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from typing import Literal

import dns.message

from ..address import Address, family
from ..message import NS

BURST = 15  # equal questions at once: what servers limit to by custom is 20 a second and more
QUIET = 1.0  # seconds without any more answers, after which no more are expected
LONGEST = 2.0  # seconds for the answers in all: of one that has answered none, too, as it may be slow
RETRY_AFTER = 0.3  # seconds: of answers that are lost by chance, others are the next time
LEAST = 4  # of the questions that have no answer
LOST = 7  # of the questions, in each of two bursts: a third is not yet noticed
SECONDS = 2  # that a burst may take part of
TC = 0x02  # in the third octet: the answer is truncated
RCODE, REFUSED = 0x0F, 5  # in the fourth octet

Limit = Literal["drops", "truncates", "refuses", "silent", "loses"]
"""What a server does with the questions beyond the first ones, or with some of them by chance. Of one that
has answered none at all, only who has heard it before knows whether it drops them."""


@dataclass
class _BurstAnswers:
    """Which of a server's questions have been answered in full, which truncated (slip), and which refused;
    ``last``: when the last answer came, by time.monotonic."""

    full: set[int] = field(default_factory=set)
    cut: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    last: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every question has its answer."""
        return len(self.full) + len(self.cut) + len(self.refused) >= BURST

    @property
    def limited(self) -> bool:
        """Whether those that come first are answered, and what comes after them is not. The second that a
        server counts by may end in between: it answers some more then."""
        return BURST - len(self.full) >= LEAST and self._runs <= SECONDS

    @property
    def lossy(self) -> bool:
        """Whether there is no order in which of them have an answer, and many have none."""
        return BURST - len(self.full) >= LOST and self._runs > SECONDS and not self.cut | self.refused

    @property
    def _runs(self) -> int:
        """How many times one has an answer, and the one before it has none."""
        return sum(number - 1 not in self.full for number in self.full)


def limiting(servers: Iterable[Address], apex: str) -> dict[Address, Limit]:
    """The servers that answer the first of many equal questions, and drop or refuse all others or truncate
    some, which resolvers take to TCP, or that answer none; twice, for what is lost by chance is another one
    the next time. Those too that leave many of them unanswered both times, whichever."""
    # One that answers none in full, and truncates, may have an answer that is too large; one that refuses all
    # may not have the zone.
    first = {
        server: burst
        for server, burst in _burst(dict.fromkeys(servers), apex).items()
        if (burst.limited and (burst.full or not burst.cut | burst.refused)) or burst.lossy
    }
    if not first:
        return {}
    time.sleep(RETRY_AFTER)
    again = _burst(first, apex)
    return {
        server: limit
        for server, burst in first.items()
        if server in again and (limit := _limit(burst, again[server]))
    }


def _limit(first: _BurstAnswers, again: _BurstAnswers) -> Limit | None:
    if first.lossy and again.lossy:
        return "loses"
    if not (first.limited and again.limited):
        return None
    if first.cut:
        return "truncates"
    if first.refused:
        return "refuses"
    return "drops" if first.full or again.full else "silent"


def _burst(servers: Iterable[Address], apex: str) -> dict[Address, _BurstAnswers]:
    """Ask each server the same many times at once. Of those that were still answering when the time ended,
    nothing is known: they are not among them."""
    query = dns.message.make_query(apex, NS, flags=0, id=0).to_wire()
    bursts: dict[Address, _BurstAnswers] = {}
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for server in servers:
            sock = stack.enter_context(closing(socket.socket(family(server), socket.SOCK_DGRAM)))
            sock.setblocking(False)
            with suppress(OSError):
                sock.connect(server)
                for number in range(BURST):
                    sock.send(number.to_bytes(2, "big") + query[2:])
                selector.register(sock, selectors.EVENT_READ, server)
                bursts[server] = _BurstAnswers()
        until = time.monotonic() + LONGEST
        while waiting := [each for each in bursts.values() if not each.complete]:
            end = min(until, max(each.last + QUIET if each.last else until for each in waiting))
            ready = selector.select(max(0.0, end - time.monotonic()))
            for key, _ in ready:  # also what has come by the end: this machine may be the slow one
                _receive(key.fileobj, bursts[key.data])  # type: ignore[arg-type]
            if not ready and time.monotonic() >= end:
                break
    return {server: each for server, each in bursts.items() if each.complete or each.last + QUIET <= until}


def _receive(sock: socket.socket, burst: _BurstAnswers) -> None:
    with suppress(OSError):
        octets = sock.recv(65535)
        if len(octets) > 3:
            kept = burst.cut if octets[2] & TC else burst.full
            if octets[3] & RCODE == REFUSED:
                kept = burst.refused
            kept.add(int.from_bytes(octets[:2], "big"))
            burst.last = time.monotonic()
