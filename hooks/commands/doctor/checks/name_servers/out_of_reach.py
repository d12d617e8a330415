"""Name servers at addresses that the world cannot reach, or this machine alone cannot."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import NamedTuple

from ......errors import DelegationError
from ......threads import in_background
from .....dns.address import Address, reachable
from .....dns.cname_chain import Discovery
from .....dns.destination import Destination
from .....dns.message import AAAA, A, addresses_in, alias_of
from ...finding import Examined, Finding, Severity
from ...wording import address_type, in_order
from ..subjects.address_scope import scope_of

MOST = 13  # hosts that are looked for
WITHIN = 2.0  # seconds for the zones that hosts are in: that those are silent has cost several already

Addresses = Mapping[str, Sequence[Address]]
"""By NS name."""


class Hosts(NamedTuple):
    """The addresses of a zone's servers, whether this machine has a route there or not. ``unanswered``: those
    whose own zone does not answer. ``aliases``: those that are CNAMEs, with their targets."""

    addresses: Addresses
    unanswered: tuple[str, ...]
    aliases: Mapping[str, str]


def of_the_root(examined: Examined) -> tuple[str, ...]:
    """The addresses of the root's servers, as a resolver named them, or as they were looked up where it gave
    the names alone; nothing where they are not known. Those of documentation that answer are beside them: who
    has a world of such addresses (a test bed) reaches them."""
    discovery = examined.discovery
    with suppress(DelegationError):
        discovery.cut("")
    root = [address.ip for server in discovery.known_servers("") for address in server.addresses]
    answering = [address.ip for address in discovery.by_datagram if scope_of(address.ip) == "documentation"]
    return (*root, *answering)


def is_out_of_reach(ip: str, root: Collection[str]) -> bool:
    """Whether the world cannot reach the address; it can those that are of the root's own kind. Those of
    documentation stand for the world's where the root is not there either, or where others of their family
    answer."""
    scope = scope_of(ip)
    kinds = {scope_of(each) for each in root}
    if scope == "public" or not kinds:
        return False
    if scope in ("host", "nowhere"):
        return True
    if scope == "documentation":
        alike = [each for each in root if (":" in each) == (":" in ip) and scope_of(each) == scope]
        return "public" in kinds and not alike
    return scope not in kinds and ("public" in kinds or ":" not in ip)


def look_up_hosts(examined: Examined, delegation: Destination) -> Hosts:
    """The addresses of the NS names: by glue, or else as each host's own zone has them."""
    glue = examined.discovery.known_cut(delegation.zone).glue
    known = {each.name: {*glue.get(each.name, ()), *each.addresses} for each in delegation.servers}
    homeless = [host for host, found in known.items() if not found][:MOST]
    asking = {host: in_background(partial(_ask, examined.discovery, host)) for host in homeless}
    until = time.monotonic() + WITHIN
    unanswered: list[str] = []
    aliases: dict[str, str] = {}
    for host, asked in asking.items():
        try:
            addresses, alias = asked.result(max(0.0, until - time.monotonic()))
            known[host] |= addresses
            aliases |= {host: alias} if alias else {}
        except (DelegationError, TimeoutError):
            unanswered.append(host)
    return Hosts({host: sorted(found) for host, found in known.items()}, tuple(unanswered), aliases)


def _ask(discovery: Discovery, host: str) -> tuple[set[Address], str]:
    """The host's addresses, and the target of its CNAME."""
    replies = [discovery.ask(host, rdtype) for rdtype in (A, AAAA)]
    found = {address for reply in replies for rrset in reply.answer for address in addresses_in(rrset)}
    return found, alias_of(replies[0], host)


def private(
    apex: str, hidden: Addresses, places: Sequence[str], severity: Severity, *, enough: bool = False
) -> Finding:
    """``hidden``: the addresses that nobody can reach; ``places``: where they stand. ``enough``: each of the
    servers has others beside them."""
    shown = ", ".join(f"{host} ({in_order(addresses)})" for host, addresses in hidden.items())
    host, *others = hidden
    wanted = "public addresses" if others else "its public address"
    return Finding(
        "private-address",
        severity,
        ", ".join(hidden),
        f"{len(hidden)} name servers of {apex} have addresses that nobody can reach from outside: {shown}"
        if others
        else f"the name server {host} of {apex} has the address {in_order(hidden[host])}, which nobody "
        "can reach from outside",
        (
            *(_removal(hidden, places) if enough else ()),
            f"{'or ' * enough}give {', '.join(hidden)} {wanted}, {' and '.join(places)}: "
            + "; ".join(f"{host}. A ADDRESS" for host in hidden),
            f"or take {', '.join(hidden)} out of the NS records of {apex}, at the parent and in the zone",
        ),
    )


def _removal(hidden: Addresses, places: Sequence[str]) -> Iterator[str]:
    records = [
        f"{host}. {address_type(each.ip)} {each.ip}" for host, found in hidden.items() for each in found
    ]
    yield f"delete {' and '.join(places)}: {'; '.join(records)}"


def unrouted(apex: str, servers: Addresses, severity: Severity) -> Iterator[Finding]:
    """Servers that this machine alone cannot ask: one finding for IPv6, one for the others. ``servers``: all
    that is known of theirs."""
    missed = {host: found for host, found in servers.items() if found and not any(map(reachable, found))}
    ipv6 = {host: found for host, found in missed.items() if all(":" in each.ip for each in found)}
    if ipv6:
        yield Finding(
            "no-ipv6-here",
            severity,
            ", ".join(ipv6),
            f"this machine has no IPv6, and these name servers of {apex} have IPv6 addresses alone: "
            f"{_listed(ipv6)}; nothing can be said of them from here",
            ("give this machine IPv6, or look from another one; there may be nothing to mend in the zone",),
        )
    others = {host: found for host, found in missed.items() if host not in ipv6}
    if others:
        ip = next(each.ip for each in chain(*others.values()) if ":" not in each.ip)
        yield Finding(
            "no-route-here",
            severity,
            ", ".join(others),
            f"this machine has no route to these name servers of {apex}: {_listed(others)}; nothing can be "
            "said of them from here",
            (
                f"give this machine a route (ip route get {ip} shows that it has none), or look from another "
                "one; there may be nothing to mend in the zone",
                f"see that the address is right: dig A {next(iter(others))}",
            ),
        )


def _listed(servers: Addresses) -> str:
    return ", ".join(f"{host} ({in_order(found)})" for host, found in servers.items())
