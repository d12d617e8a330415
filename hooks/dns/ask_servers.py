"""Asks several servers the same thing, until one of them says something useful."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rdatatype

from .address import Address
from .message import AAAA, A, Query, Response, addresses_in, alias_of, referral_to
from .timing import Timing
from .transports.transport import Transport

NEXT_SERVER_AFTER = 0.4  # seconds until the next server is asked as well


class NoUsefulAnswer(Exception):
    """No server gave a useful answer; says what each one did.

    ``silent``: nobody said anything. ``intercepted``: whoever did answered like a resolver.
    """

    def __init__(self, words: str, *, silent: bool, intercepted: bool = False) -> None:
        super().__init__(words)
        self.silent = silent
        self.intercepted = intercepted


class FirstAnswer(NamedTuple):
    """The first useful answer, and what came to light of the servers until then.

    ``server``: whose it is. ``tcp_only``: that one has answered over TCP alone, ``by_datagram``: over UDP.
    ``silent``: those that had said nothing for a while.
    """

    message: dns.message.Message
    server: Address
    tcp_only: bool
    by_datagram: bool
    silent: frozenset[Address]


def first(
    servers: Sequence[Address],
    name: str,
    rdtype: dns.rdatatype.RdataType,
    timing: Timing,
    *,
    zone: str = "",
    recurse: bool = False,
    tcp_only: Collection[Address] = (),
) -> FirstAnswer:
    """The first useful answer; more servers are asked, ever more of them, as soon as those that were
    keep us waiting, and over TCP as well.

    Useful is what comes with authority, or is a referral from ``zone`` downwards; of a resolver,
    any record. ``tcp_only``: the servers that are known to answer over TCP alone. Raises NoUsefulAnswer.
    """
    known = frozenset(tcp_only)  # by now: other threads find more of them
    batches = _batches(servers, known)
    useless: dict[Address, Response] = {}
    asked: dict[Address, float] = {}
    until = time.monotonic() + timing.zone_query
    with Transport(timing) as transport:
        while (batches or transport.busy) and time.monotonic() < until:
            if batches:
                batch = [
                    Query(server, name, rdtype, recurse, dnssec=not recurse, stream=stream)
                    for server, stream in batches.pop(0)
                    if server not in useless or not useless[server].message
                ]
                transport.send(batch)
                for query in batch:
                    asked.setdefault(query.server, time.monotonic())
            if not transport.busy:
                continue
            for query, answer in transport.collect(
                NEXT_SERVER_AFTER if batches else until - time.monotonic()
            ):
                if _is_useful(query, answer, zone):
                    assert answer.message is not None
                    return FirstAnswer(
                        answer.message,
                        query.server,
                        # its datagram is still on its way
                        tcp_only=query.stream and query.server not in known | useless.keys(),
                        by_datagram=not (query.stream or answer.fallback or answer.truncated),
                        silent=_overdue(asked) - {query.server},
                    )
                if answer.message:
                    asked.pop(query.server, None)
                if answer.message or query.server not in useless:
                    useless[query.server] = answer
    raise _no_useful_answer(servers, useless)


def _overdue(asked: Mapping[Address, float]) -> frozenset[Address]:
    """The servers that have said nothing for a while since they were asked."""
    now = time.monotonic()
    return frozenset(each for each, since in asked.items() if now - since > NEXT_SERVER_AFTER * 2)


def _batches(servers: Sequence[Address], tcp_only: frozenset[Address]) -> list[list[tuple[Address, bool]]]:
    """Whom to ask at each step, and whether over TCP: one, one more, then twice as many each time."""
    first_try = [(server, server in tcp_only) for server in servers]
    sizes, batches = [1, 1, 2, 4], []
    while first_try:
        size = sizes.pop(0) if sizes else len(first_try)
        batches.append(first_try[:size])
        first_try = first_try[size:]
    streams = [(server, True) for server in servers if server not in tcp_only]
    batches.insert(2, streams[:2])
    return [*batches, streams[2:]]


def _is_useful(query: Query, answer: Response, zone: str) -> bool:
    message = answer.message
    if message is None:
        return False
    if answer.authoritative or (query.recurse and message.answer):
        return True
    if query.recurse:
        return False
    if referral_to(message, zone, query.name):
        return True
    # BIND gives CNAMEs that go round in a circle with a SERVFAIL.
    return bool(message.flags & dns.flags.AA and alias_of(message, query.name))


def _no_useful_answer(servers: Sequence[Address], useless: Mapping[Address, Response]) -> NoUsefulAnswer:
    words = [
        f"{server}: {useless[server].summary if server in useless else 'no answer'}" for server in servers
    ]
    responses = [answer for answer in useless.values() if answer.message is not None]
    intercepted = bool(responses) and all(answer.like_a_resolver for answer in responses)
    return NoUsefulAnswer(
        "; ".join(words) or "it has no address", silent=not responses, intercepted=intercepted
    )


def gather(
    servers: Mapping[str, Sequence[Address]],
    timing: Timing,
    *,
    recurse: bool,
    tcp_only: Collection[Address] = (),
) -> dict[str, frozenset[Address]]:
    """The addresses of each host that somebody could speak for; it may have none.

    The first of a host's servers that tells is enough: another may be an address that swallows
    everything.
    """
    found: dict[str, frozenset[Address]] = {}
    unanswered = {(host, rdtype) for host in servers for rdtype in (A, AAAA)}
    until = time.monotonic() + timing.address_lookup
    with Transport(timing) as transport:
        transport.send(
            Query(server, host, rdtype, recurse, stream=server in tcp_only)
            for host, rdtype in unanswered
            for server in servers[host][:2]
        )
        while unanswered and transport.busy and (left := until - time.monotonic()) > 0:
            for query, answer in transport.collect(left):
                if answer.message is not None and (recurse or answer.authoritative):
                    unanswered.discard((query.name, query.rdtype))
                    addresses = [a for rrset in answer.message.answer for a in addresses_in(rrset)]
                    found[query.name] = found.get(query.name, frozenset()).union(addresses)
    return found
