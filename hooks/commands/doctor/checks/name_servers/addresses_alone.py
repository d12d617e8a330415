"""Servers that a zone is delegated to, and that answer for addresses alone: load balancers (GSLB)."""

from __future__ import annotations

from collections.abc import Iterator

from ......names import PREFIX
from ......providers.base import is_within
from .....dns.cname_chain import Discovery
from .....dns.destination import Destination
from .....dns.message import A, Query, addresses_in, text
from .....dns.transports.transport import Transport

TIMEOUT = 1.0  # seconds: they have answered before, if only to refuse


def addresses_alone(discovery: Discovery, delegation: Destination) -> tuple[str, tuple[str, ...]] | None:
    """What is likely, and what to do, where the servers that do not answer for the zone itself give an
    address of it: without its NS records the site would be off the net. Beneath a registry, such servers are
    those of parked domains."""
    zone = delegation.zone
    above = discovery.known_zone(zone.partition(".")[2])
    if "." not in above or all(word.endswith("timed out") for word in delegation.trouble.split("; ")):
        return None
    if not (found := sorted(set(_addresses(discovery, delegation)))):
        return None
    hosts = ", ".join(server.name for server in delegation.servers)
    records = "; ".join(f"{owner}. A {ip}" for owner, ip in found)
    return "they answer for addresses (A) alone, as a load balancer does that is no name server", (
        f"have {hosts} answer other types as well, or whoever makes them: SOA and NS with authority, CAA and "
        "TXT by NOERROR where there are none",
        f"and the challenge name, {delegation.target}: a CNAME there to a zone that an account has",
        f"or do without them: in {above}, in the place of the NS records of {zone}: {records}",
    )


def _addresses(discovery: Discovery, delegation: Destination) -> Iterator[tuple[str, str]]:
    """The addresses that the servers give, with authority, for the zone's apex and the domain."""
    domain = delegation.name.removeprefix(PREFIX)
    names = dict.fromkeys(name for name in (delegation.zone, domain) if is_within(name, delegation.zone))
    servers = [address for server in delegation.servers for address in server.addresses]
    with Transport(discovery.timing) as transport:
        answers = transport.ask([Query(server, name, A) for server in servers for name in names], TIMEOUT)
    for answer in answers.values():
        if answer.message and answer.authoritative:
            for rrset in answer.message.answer:
                for address in addresses_in(rrset):
                    yield text(rrset.name), address.ip
