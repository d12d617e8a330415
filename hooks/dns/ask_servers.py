"""Asks several servers the same thing, until one of them says something useful."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

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


def first(
    servers: Sequence[Address],
    name: str,
    rdtype: dns.rdatatype.RdataType,
    timing: Timing,
    *,
    zone: str = "",
    recurse: bool = False,
    tcp_only: set[Address] | None = None,
    silent: set[Address] | None = None,
    answering: set[Address] | None = None,
    by_datagram: set[Address] | None = None,
) -> dns.message.Message:
    """The first useful answer; more servers are asked, ever more of them, as soon as those that were
    keep us waiting, and over TCP as well.

    Useful is what comes with authority, or is a referral from ``zone`` downwards; of a resolver,
    any record. ``tcp_only``: the servers that are known to answer over TCP alone; those that turn out
    to be so are added. ``silent`` gets those that said nothing for a while, ``answering`` the one that was
    useful, and ``by_datagram`` as well if that came over UDP. Raises NoUsefulAnswer.
    """
    tcp_only = set() if tcp_only is None else tcp_only
    batches = _batches(servers, tcp_only)
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
                    if query.stream and query.server not in useless:
                        tcp_only.add(query.server)  # its datagram is still on its way
                    if silent is not None:
                        silent |= _overdue(asked)
                        silent.discard(query.server)
                    if answering is not None:
                        answering.add(query.server)
                    if by_datagram is not None and not (query.stream or answer.fallback or answer.truncated):
                        by_datagram.add(query.server)
                    assert answer.message is not None
                    return answer.message
                if answer.message:
                    asked.pop(query.server, None)
                if answer.message or query.server not in useless:
                    useless[query.server] = answer
    raise _no_useful_answer(servers, useless)


def _overdue(asked: Mapping[Address, float]) -> set[Address]:
    """The servers that have said nothing for a while since they were asked."""
    now = time.monotonic()
    return {each for each, since in asked.items() if now - since > NEXT_SERVER_AFTER * 2}


def _batches(servers: Sequence[Address], tcp_only: set[Address]) -> list[list[tuple[Address, bool]]]:
    """Whom to ask at each step, and whether over TCP: one, one more, then twice as many each time."""
    known = frozenset(tcp_only)  # by now: other threads find more of them
    first_try = [(server, server in known) for server in servers]
    sizes, batches = [1, 1, 2, 4], []
    while first_try:
        size = sizes.pop(0) if sizes else len(first_try)
        batches.append(first_try[:size])
        first_try = first_try[size:]
    streams = [(server, True) for server in servers if server not in known]
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
    words = [f"{server}: {useless[server].words if server in useless else 'no answer'}" for server in servers]
    responses = [answer for answer in useless.values() if answer.message is not None]
    intercepted = bool(responses) and all(answer.like_a_resolver for answer in responses)
    return NoUsefulAnswer(
        "; ".join(words) or "it has no address", silent=not responses, intercepted=intercepted
    )


def gather(
    servers: Mapping[str, Sequence[Address]],
    found: dict[str, set[Address]],
    timing: Timing,
    *,
    recurse: bool,
    tcp_only: Collection[Address] = (),
) -> set[str]:
    """Add the addresses of each host to ``found``; gives the hosts that somebody could speak for.

    The first of a host's servers that tells is enough: another may be an address that swallows
    everything.
    """
    answered = set()
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
                    answered.add(query.name)
                    unanswered.discard((query.name, query.rdtype))
                    found[query.name] |= {a for rrset in answer.message.answer for a in addresses_in(rrset)}
    return answered
