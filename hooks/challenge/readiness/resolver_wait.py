"""Where name servers cannot be asked: the wait until resolvers see the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import dns.rcode

from ....errors import NotReady
from ...dns.address import Address
from ...dns.message import TXT, Query, Response
from ...dns.negative_ttl import seconds_kept
from ...dns.transports.transport import Transport
from .public_resolvers import check_dnssec, what_fails

Pair = tuple[str, str]  # who is asked (a URL, an address), and about which name
Ask = Callable[[Iterable[Pair]], Mapping[Pair, Response]]

RETRY_INTERVAL = 5.0  # seconds until the same is asked again, at least
ANSWER_TIMEOUT = 5.0  # seconds that a resolver on port 53 has for one query
HINT = "open port 53 to the name servers; if it is only slow, raise timeout (DNS01_TIMEOUT)"


def wait_for_resolvers(
    names: Mapping[str, frozenset[str]],
    doh: Sequence[str],
    resolvers: Sequence[Address],
    timeout: float,
    *,
    answer_timeout: float = ANSWER_TIMEOUT,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Wait until every DoH endpoint that answers has all the values; where none does, every resolver,
    though on a port 53 that is barred its answers may be anybody's.

    Gives who has them. ``timeout``: seconds, beyond which no "no" is waited out. Raises NotReady.
    """
    responding: list[str] = []
    if doh:
        from ...dns.transports.doh import Doh  # whose start-up only this is worth

        with Doh() as https:
            responding = _wait_for(names, doh, https.ask_all, timeout, clock, sleep)
    if not responding:
        responding = _wait_for(
            names, [str(one) for one in resolvers], _asker(resolvers, answer_timeout), timeout, clock, sleep
        )
    if not responding:
        asked = ", ".join([*doh, *map(str, resolvers)])
        raise NotReady(f"nobody tells whether {', '.join(names)} is there: no answer from {asked}", HINT)
    return responding


def _wait_for(
    names: Mapping[str, frozenset[str]],
    servers: Iterable[str],
    ask: Ask,
    timeout: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> list[str]:
    """The servers that answer at all, once all of them have all the values. Each "no" is waited out
    for as long as it is kept (RFC 2308 §5). Raises NotReady."""
    due = {(server, name): 0.0 for server in servers for name in names}
    responding: dict[str, None] = {}
    began = clock()
    while due:
        now = clock() - began
        answers = ask([pair for pair, at in due.items() if at <= now])
        responding |= {server: None for (server, _), answer in answers.items() if answer.message is not None}
        for (server, name), answer in answers.items():
            check_dnssec(server, name, answer)
            if server not in responding or names[name] <= answer.texts:
                del due[server, name]
                continue
            kept = max(RETRY_INTERVAL, seconds_kept(answer))
            due[server, name] = clock() - began + kept
            if due[server, name] > timeout:
                raise NotReady(
                    f"degraded, and {server} {_words(answer)} {name}, to be asked again in {kept:.0f} s only",
                    HINT,
                )
        if due:
            sleep(max(0.0, min(due.values()) - (clock() - began)))
    return list(responding)


def _words(answer: Response) -> str:
    if answer.message is None or answer.message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return f"answers {what_fails(answer)} for"
    return "has another value only at" if answer.texts else "has nothing at"


def _asker(resolvers: Sequence[Address], answer_timeout: float) -> Ask:
    """How to ask resolvers on port 53."""
    by_text = {str(resolver): resolver for resolver in resolvers}

    def ask(pairs: Iterable[Pair]) -> Mapping[Pair, Response]:
        queries = [Query(by_text[server], name, TXT, recurse=True) for server, name in pairs]
        with Transport() as transport:
            answers = transport.ask(queries, answer_timeout)
        return {(str(query.server), query.name): answer for query, answer in answers.items()}

    return ask
