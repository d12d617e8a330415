"""Servers that refuse what is above a rate: they have the zone, and say so to whoever asks a little later.

dnsdist's ``MaxQPSIPRule`` with a ``RCodeAction(REFUSED)`` does so, and some firewalls for name servers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import dns.rcode

from ..destination import Server
from ..message import Response
from ..timing import Timing
from .server_answers import ServerAnswers, query_servers

PAUSES = (0.9, 0.9)  # seconds: such a limit counts by the second


def is_refused(answer: Response) -> bool:
    """Whether the server says REFUSED to the question."""
    return answer.message is not None and answer.message.rcode() == dns.rcode.REFUSED


def asked_again(
    servers: Iterable[ServerAnswers], apex: str, timing: Timing, sleep: Callable[[float], None]
) -> tuple[ServerAnswers, ...]:
    """The servers' answers, with those of a moment later where something was refused before, and is not any
    more (``refusing``)."""
    found = list(servers)
    for pause in PAUSES:
        refused = [place for place, server in enumerate(found) if _refused(server)]
        if not refused:
            break
        sleep(pause)
        hosts = [Server(found[place].host, (found[place].address,)) for place in refused]
        for place, again in zip(refused, query_servers(hosts, apex, timing=timing), strict=True):
            if again.authority and _refused(again) < _refused(found[place]):
                found[place] = again._replace(texts=found[place].texts, refusing=True)
    return tuple(found)


def _refused(server: ServerAnswers) -> int:
    """How many of its answers are REFUSED."""
    return sum(map(is_refused, (server.soa, server.ns, server.keys, server.stream)))
