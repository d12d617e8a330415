"""The addresses of name servers that resolvers give, against those that the hosts' own zones have: an inside
resolver leads a wait to inside machines, with another copy of the zone or none."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from ......errors import DelegationError
from ......threads import in_background
from .....dns.address import Address
from .....dns.destination import Server
from .....dns.message import AAAA, SOA, A, Query, Response, addresses_in
from .....dns.transports.transport import Transport
from ...finding import Examined, Finding, Severity
from ...wording import in_order

TIMEOUT = 2.5  # seconds: a lost datagram is sent again after 2
MOST = 13  # hosts that are looked up
WITHIN = 2.0  # seconds for that: servers that do not answer have cost several already

Addresses = Mapping[str, Sequence[Address]]
"""By NS name."""

_Copy = tuple[object, ...]


def inside_addresses(
    examined: Examined, zone: str, servers: Sequence[Server], own: Addresses
) -> Finding | None:
    """Where the zone is not, or is another one, at addresses that resolvers alone give for its servers, and
    is there at those that the hosts' own zones have (``own``, as far as these tell)."""
    glue = examined.discovery.known_cut(zone).glue
    strange = {
        server.name: extra
        for server in servers
        if own.get(server.name) and not glue.get(server.name)
        if (extra := [each for each in server.addresses if each not in own[server.name]])
    }
    if not strange:
        return None
    right = {address for host in strange for address in own[host]}
    wrong = {address for extra in strange.values() for address in extra}
    outside, inside = _copies(examined, zone, right), _copies(examined, zone, wrong)
    if outside and {*inside.values()} - {*outside.values()}:
        time.sleep(examined.discovery.timing.catch_up)  # it may be changing just now
        outside, inside = _copies(examined, zone, right), _copies(examined, zone, wrong)
    if not outside or ({*inside.values()} <= {*outside.values()} and inside.keys() == wrong):
        return None
    reached = {address for server in servers for address in server.addresses} - wrong
    return _finding(examined, zone, strange, own, spoilt=bool(inside) or not reached)


def own_addresses(examined: Examined, servers: Sequence[Server]) -> Addresses:
    """What the hosts' own zones have, as far as it is found in time."""
    asking = {each.name: in_background(partial(_own, examined, each.name)) for each in servers[:MOST]}
    until = time.monotonic() + WITHIN
    found = {}
    for host, asked in asking.items():
        with suppress(DelegationError, TimeoutError):
            found[host] = asked.result(max(0.0, until - time.monotonic()))
    return found


def _own(examined: Examined, host: str) -> tuple[Address, ...]:
    replies = [examined.discovery.ask(host, rdtype) for rdtype in (A, AAAA)]
    return tuple(address for reply in replies for rrset in reply.answer for address in addresses_in(rrset))


def _copies(examined: Examined, zone: str, addresses: Iterable[Address]) -> Mapping[Address, _Copy]:
    """The primary and the serial that each address with the zone has."""
    with Transport(examined.discovery.timing) as wire:
        answers = wire.ask((Query(each, zone, SOA) for each in addresses), TIMEOUT)
    return {query.server: copy for query, answer in answers.items() if (copy := _copy(answer))}


def _copy(answer: Response) -> _Copy:
    if not answer.authoritative or answer.message is None:
        return ()
    return next(((each[0].mname, each[0].serial) for each in answer.message.answer if each.rdtype == SOA), ())


def _finding(examined: Examined, zone: str, strange: Addresses, own: Addresses, *, spoilt: bool) -> Finding:
    """``spoilt``: whether a wait fails, for it hears another copy, or nothing else at all."""
    host = next(iter(strange))
    resolvers = _who_says(examined, strange)
    theirs = ", ".join(f"{each} ({in_order(addresses)})" for each, addresses in strange.items())
    world = ", ".join(f"{each} ({in_order(own[each])})" for each in strange)
    return Finding(
        "inside-addresses",
        Severity.ERROR if spoilt else Severity.WARNING,
        resolvers,
        f"the name servers of {zone} have other addresses by {resolvers} than by their own zones, and the "
        f"zone that the world reads is not there: {theirs}; the world is led to {world}",
        (
            f"take {resolvers} out of `resolvers` (DNS01_RESOLVERS), and have some there that see what the "
            "world sees: 1.1.1.1, 9.9.9.9",
            f"or have {host} left out of what {resolvers} overrides: local-data (unbound), a response policy "
            "or a zone of its own (BIND); if the address has just changed, it forgets the old one by itself",
            f"compare: dig A {host} @{resolvers.partition(', ')[0]}; dig A {host} +trace",
        ),
    )


def _who_says(examined: Examined, strange: Addresses) -> str:
    """The configured resolvers that give one of these addresses."""
    asked = [
        Query(resolver, host, rdtype, recurse=True)
        for resolver in examined.settings.resolvers
        for host in strange
        for rdtype in (A, AAAA)
    ]
    with Transport(examined.discovery.timing) as wire:
        answers = wire.ask(asked, TIMEOUT)
    saying = {
        query.server.ip
        for query, answer in answers.items()
        if answer.message
        and {each for rrset in answer.message.answer for each in addresses_in(rrset)} & {*strange[query.name]}
    }
    return ", ".join(sorted(saying)) or ", ".join(each.ip for each in examined.settings.resolvers)
