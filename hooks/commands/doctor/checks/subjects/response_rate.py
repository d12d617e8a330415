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


def limits_of(examined: Examined, survey: ZoneSurvey, slow: Collection[Address]) -> Mapping[Address, Limit]:
    """What the servers that have answered over UDP before do with many questions at once; not of those that
    are slow, from whose silence nothing follows."""
    before = examined.discovery.by_datagram
    speaking = [
        server.address
        for server in survey.answers
        if server.authority and (server.udp or server.address in before)
    ]
    return _limits(examined.discovery).of([each for each in speaking if each not in slow], survey.apex)


class _Limits:
    """What is known of the servers, and what is being found out."""

    def __init__(self) -> None:
        self._tried: dict[Address, Future[dict[Address, Limit]]] = {}
        self._lock = threading.Lock()

    def of(self, servers: Collection[Address], apex: str) -> dict[Address, Limit]:
        """Those of the servers that limit their rate; who has not been tried yet is, by questions for
        ``apex``."""
        with self._lock:
            if new := [server for server in servers if server not in self._tried]:
                self._tried |= dict.fromkeys(new, in_background(partial(limiting, new, apex)))
            tried = {server: self._tried[server] for server in servers}
        found = {server: future.result() for server, future in tried.items()}
        return {server: limits[server] for server, limits in found.items() if server in limits}


@lru_cache(maxsize=8)
def _limits(discovery: Discovery) -> _Limits:
    return _Limits()
