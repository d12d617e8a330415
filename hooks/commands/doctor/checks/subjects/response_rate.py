"""Which servers limit the rate of their answers: each is tried once, whatever number of zones it serves."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from functools import lru_cache, partial

from ......threads import in_background
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.inspect.response_rate import Limit, limiting
from .....dns.inspect.zone_survey import ZoneSurvey
from ...finding import Examined

Tries = Mapping[Address, Future[dict[Address, Limit]]]
"""What has been found, or is being found out, of the servers that were tried together."""


def without_drops(
    examined: Examined, survey: ZoneSurvey, slow: Collection[Address]
) -> tuple[ZoneSurvey, set[Address]]:
    """The survey as it is to be seen by the servers' limits, and those that drop what is above one: from what
    else they have left unanswered nothing follows."""
    limits = _limits_of(examined, survey, slow)
    dropping = {address for address, limit in limits.items() if limit == "drops"}
    servers = []
    for server in survey.answers:
        if server.address in limits:
            limit = limits[server.address]
            refusing = server.refusing or limit == "refuses"
            lossy = limit == "loses"
            server = server._replace(limited=limit == "truncates", refusing=refusing, lossy=lossy, udp=True)
            if lossy:  # what else is missing is so by chance
                server = server._replace(edns=True, do=True, lost=frozenset())
        if server.address in dropping:
            server = server._replace(edns=True, do=True, lost=frozenset())
        servers.append(server)
    return survey._replace(answers=tuple(servers)), dropping


def _limits_of(examined: Examined, survey: ZoneSurvey, slow: Collection[Address]) -> Mapping[Address, Limit]:
    """What the servers that have answered over UDP before do with many questions at once; not of those that
    are slow, from whose silence nothing follows."""
    before = examined.discovery.by_datagram
    serving = {server.address for server in survey.answers if server.authority} - {*slow}
    speaking = {server.address for server in survey.answers if server.udp or server.address in before}
    limits = _limits(examined.discovery)
    found = {
        server: "drops" if limit == "silent" else limit
        for server, limit in _result(limits.tried(serving & speaking, survey.apex)).items()
    }
    for server, limit in _result(limits.known(serving - speaking)).items():
        if limit != "silent":
            found[server] = limit
    return found


def try_early(discovery: Discovery, servers: Collection[Address], apex: str) -> None:
    """Have the servers tried meanwhile, where something keeps a look at their zone waiting: it may be such a
    limit, and after the look there is no time left for a try."""
    _limits(discovery).tried(servers, apex)


def _result(tries: Tries) -> dict[Address, Limit]:
    found = {server: future.result() for server, future in tries.items()}
    return {server: limits[server] for server, limits in found.items() if server in limits}


class _Limits:
    """What is known of the servers, and what is being found out."""

    def __init__(self) -> None:
        self._tries: dict[Address, Future[dict[Address, Limit]]] = {}
        self._lock = threading.Lock()

    def tried(self, servers: Collection[Address], apex: str) -> Tries:
        """Of these servers; who has not been tried yet is, by questions for ``apex``."""
        with self._lock:
            if new := [server for server in servers if server not in self._tries]:
                self._tries |= dict.fromkeys(new, in_background(partial(limiting, new, apex)))
        return self.known(servers)

    def known(self, servers: Collection[Address]) -> Tries:
        """Of those of these servers that have been tried."""
        with self._lock:
            return {server: self._tries[server] for server in servers if server in self._tries}


@lru_cache(maxsize=8)
def _limits(discovery: Discovery) -> _Limits:
    return _Limits()
