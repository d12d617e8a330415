"""How long servers take for an answer: measured with patience, as waits for something else end sooner."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..address import Address
from ..message import NS, SOA, Query
from ..timing import Timing
from ..transports.transport import Transport

AGAIN_AFTER = 0.6  # seconds: the first question may be lost, or come upon a machine that is busy just then
SLOW = 0.8  # seconds: what is farthest away takes half of that


class ResponseTime(NamedTuple):
    """Seconds until the quickest answer over UDP, and over TCP, with its handshake; None: there was none."""

    udp: float | None = None
    tcp: float | None = None

    @property
    def seconds(self) -> float:
        """What everybody waits who asks the server; 0, if nobody has an answer."""
        return self.tcp or 0.0 if self.udp is None else self.udp

    @property
    def slow(self) -> bool:
        """Whether the answers come, and come late."""
        return self.seconds >= SLOW

    def or_better(self, other: ResponseTime) -> ResponseTime:
        """The shorter time of the two, by each way."""
        return ResponseTime(
            *(min(filter(None, pair), default=None) for pair in zip(self, other, strict=True))
        )

    def beyond(self, seconds: float) -> ResponseTime:
        """The times without the seconds that are not the server's."""
        return ResponseTime(*(each and max(0.001, each - seconds) for each in self))


def response_times(
    servers: Iterable[Address], apex: str, timing: Timing, seconds: float
) -> dict[Address, ResponseTime]:
    """Ask each server twice over UDP and over TCP, and wait as many seconds in all for the answers."""
    addresses = tuple(dict.fromkeys(servers))
    if not addresses:
        return {}
    rounds = [
        [
            Query(each, apex, rdtype, stream=way)
            for each in addresses
            for rdtype, way in ((SOA, False), (NS, True))
        ],
        [Query(each, apex, NS) for each in addresses],
    ]
    # Nothing is sent again, and nothing goes over TCP by itself, for then it has a time of its own.
    patient = timing._replace(datagram=seconds, stream=seconds)
    times = dict.fromkeys(addresses, ResponseTime())
    with Transport(patient) as transport:
        for query, late in _answered(transport, rounds, seconds):
            known = times[query.server]
            if query.stream:
                times[query.server] = known._replace(tcp=late)
            else:
                times[query.server] = known._replace(udp=min(late, late if known.udp is None else known.udp))
    return times


def _answered(
    transport: Transport, rounds: Sequence[Sequence[Query]], seconds: float
) -> Iterable[tuple[Query, float]]:
    """Each query that has its answer, with the seconds that it took, in the order of the answers."""
    began = time.monotonic()
    sent: dict[Query, float] = {}
    waiting = list(rounds)
    while (waiting or transport.busy) and (now := time.monotonic()) < began + seconds:
        if waiting and now >= began + AGAIN_AFTER * (len(rounds) - len(waiting)):
            batch = waiting.pop(0)
            sent |= dict.fromkeys(batch, time.monotonic())
            transport.send(batch)
        following = AGAIN_AFTER * (len(rounds) - len(waiting)) if waiting else seconds
        for query, answer in transport.collect(max(0.0, began + following - time.monotonic())):
            if answer.message is not None and not answer.fallback:
                yield query, time.monotonic() - sent[query]
        if not transport.busy and waiting:
            time.sleep(max(0.0, began + following - time.monotonic()))
