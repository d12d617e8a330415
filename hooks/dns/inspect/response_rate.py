"""Whether a server limits the rate of its answers to one address (RRL), so low that a CA may feel it."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from typing import Literal, NamedTuple

import dns.message

from ..address import Address, family
from ..message import NS

BURST = 15  # equal questions at once: what servers limit to by custom is 20 a second and more
PATIENCE = 1.0  # seconds for the answers
PAUSE = 0.3  # seconds until it is tried again: of answers that are lost by chance, others are the next time
LEAST = 4  # of the questions that have no answer
TC = 0x02  # in the third octet: the answer is truncated

Limit = Literal["drops", "truncates"]


class _Heard(NamedTuple):
    """Which of the questions have been answered in full, and which truncated (slip)."""

    full: set[int]
    cut: set[int]

    @property
    def limited(self) -> bool:
        """Whether those that come first are answered, and what comes after them is not."""
        others = [number for number in range(BURST) if number not in self.full]
        return len(others) >= LEAST and all(number < others[0] for number in self.full)


def limiting(servers: Iterable[Address], apex: str) -> dict[Address, Limit]:
    """The servers that answer the first of many equal questions, and drop all others or truncate some, which
    resolvers take to TCP; twice, for what is lost by chance is another one the next time."""
    # One that answers none in full, and truncates, may have an answer that is too large.
    first = {
        server: heard
        for server, heard in _burst(dict.fromkeys(servers), apex).items()
        if heard.limited and (heard.full or not heard.cut)
    }
    if not first:
        return {}
    time.sleep(PAUSE)
    again = _burst(first, apex)
    return {
        server: "truncates" if heard.cut else "drops"
        for server, heard in first.items()
        if server in again and again[server].limited
    }


def _burst(servers: Iterable[Address], apex: str) -> dict[Address, _Heard]:
    """Ask each server the same many times at once."""
    query = dns.message.make_query(apex, NS, flags=0, id=0).to_wire()
    heard: dict[Address, _Heard] = {}
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for server in servers:
            asking = stack.enter_context(closing(socket.socket(family(server), socket.SOCK_DGRAM)))
            asking.setblocking(False)
            with suppress(OSError):
                asking.connect(server)
                for number in range(BURST):
                    asking.send(number.to_bytes(2, "big") + query[2:])
                selector.register(asking, selectors.EVENT_READ, server)
                heard[server] = _Heard(set(), set())
        until = time.monotonic() + PATIENCE
        while any(len(each.full) + len(each.cut) < BURST for each in heard.values()):
            left = until - time.monotonic()
            if left <= 0:
                break
            for key, _ in selector.select(left):
                with suppress(OSError):
                    octets = key.fileobj.recv(65535)  # type: ignore[union-attr]
                    if len(octets) > 2:
                        kept = heard[key.data].cut if octets[2] & TC else heard[key.data].full
                        kept.add(int.from_bytes(octets[:2], "big"))
    return heard
