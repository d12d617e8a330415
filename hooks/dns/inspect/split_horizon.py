"""Whether a resolver sees the DNS that the rest of the world sees (split horizon).

It is asked for records of the zone's apex that exist, so that its cache keeps no "no" of anything.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import dns.rcode
import dns.rdatatype

from ..address import Address
from ..destination import Server
from ..message import AAAA, NS, SOA, A, Query, Response, addresses_in, alias_of, hosts_in, text
from ..timing import USUAL, Timing
from ..transports.transport import Transport

SOURCES = 3  # of the zone's servers: their copies are compared elsewhere
TYPES = (NS, SOA, A, AAAA)


class _View(NamedTuple):
    """What is seen at a zone's apex."""

    hosts: frozenset[str]  # of NS
    primaries: frozenset[str]  # the MNAME of the SOA; there may be one for each server
    addresses: frozenset[str]


def differences(
    resolvers: Iterable[Address], apex: str, servers: Sequence[Server], timing: Timing = USUAL
) -> dict[Address, str]:
    """How each resolver's view of a zone differs from that of the zone's own servers, in words;
    nothing if it does not, or if that cannot be told."""
    sources = [server.addresses[0] for server in servers if server.addresses]
    with Transport(timing) as transport:
        for some in (sources[:SOURCES], sources[SOURCES:]):  # the others only where those say nothing
            queries = [Query(source, apex, rdtype) for source in some for rdtype in TYPES]
            responses = transport.ask(queries, timing.view)
            world = _view(answer for answer in responses.values() if answer.authoritative)
            if world.hosts and world.primaries:
                break
        if not world.hosts or not world.primaries:
            return dict.fromkeys(resolvers, "")
        types = _there(responses)
        if any(answer.message and alias_of(answer.message, apex) for answer in responses.values()):
            types -= {A, AAAA}  # the apex is a CNAME, and its addresses are of another zone
        asked = {each: [Query(each, apex, rdtype, recurse=True) for rdtype in types] for each in resolvers}
        queries = [question for questions in asked.values() for question in questions]
        answers = transport.ask(queries, timing.view)
    world = world._replace(hosts=world.hosts | {server.name for server in servers})
    views = {each: [answers[question] for question in questions] for each, questions in asked.items()}
    return {each: _difference(f"{each}", apex, local, world) for each, local in views.items()}


def _there(responses: Mapping[Query, Response]) -> set[dns.rdatatype.RdataType]:
    """The types that the apex has. Of one that it has not, a resolver would keep the NSEC, which
    denies the names that come next as well, `_acme-challenge` among the first (RFC 8198)."""
    return {
        question.rdtype for question, answer in responses.items() if answer.message and answer.message.answer
    }


def _difference(resolver: str, apex: str, answers: Collection[Response], world: _View) -> str:
    """Sets that overlap are the same view: servers are not always of one mind."""
    if not all(map(_answered, answers)):
        return ""
    local = _view(answers)
    if not local.primaries:
        return f"{resolver} knows of no zone {apex}, and the world does"
    for what, ours, theirs in (
        ("the name servers", local.hosts, world.hosts),
        ("the primary", local.primaries, world.primaries),
    ):
        if ours and not ours & theirs:
            return f"{resolver} has {_list(ours)} for {what} of {apex}, the world {_list(theirs)}"
    # Different addresses may well be the same view, near and far; one that is nobody else's is not.
    inner = frozenset(ip for ip in local.addresses if not ipaddress.ip_address(ip).is_global)
    if inner and not local.addresses & world.addresses:
        return f"{resolver} has {_list(inner)} for the address of {apex}, the world {_list(world.addresses)}"
    return ""


def _view(answers: Iterable[Response]) -> _View:
    rrsets = [rrset for answer in answers if answer.message for rrset in answer.message.answer]
    return _View(
        frozenset(host for rrset in rrsets for host in hosts_in(rrset)),
        frozenset(text(rr.mname) for rrset in rrsets if rrset.rdtype == SOA for rr in rrset),
        frozenset(address.ip for rrset in rrsets for address in addresses_in(rrset)),
    )


def _answered(answer: Response) -> bool:
    return answer.message is not None and answer.message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"
