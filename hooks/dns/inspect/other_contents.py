"""Whether a resolver sees other records at a zone's apex than its servers show here, though the serial is the
same: two views whose zones are written apart may well count alike.

What a resolver has in its cache may be older than what the servers have: only what it has just fetched
counts, as its TTL tells. It is asked for types that are there, as in ``split_horizon``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import NamedTuple

import dns.rcode
import dns.rdatatype
from dns.rdatatype import CAA, MX, RdataType

from ..address import Address
from ..message import NS, SOA, TXT, A, Query, Response
from ..timing import USUAL, Timing
from ..transports.transport import Transport
from .zone_survey import ZoneSurvey

TYPES = (CAA, SOA, NS, MX, TXT, A)  # first what a CA goes by
SERVERS = 3  # of the zone, which have to agree
WITHIN = 2.5  # seconds, of a server that has answered and of a resolver
JUST_FETCHED = 3  # seconds that may be gone from a TTL


class OtherContents(NamedTuple):
    """``shown``: the records of the type here, and ``seen``: what the resolver has in their place."""

    resolver: Address
    rdtype: str
    shown: tuple[str, ...]
    seen: tuple[str, ...]


class _Records(NamedTuple):
    values: frozenset[str]
    ttl: int


def other_contents(
    resolvers: Iterable[Address], survey: ZoneSurvey, timing: Timing = USUAL
) -> tuple[OtherContents, ...]:
    """The first type in which each resolver sees other records than all servers show, before and after."""
    servers = [server.address for server in survey.answers if server.authority][:SERVERS]
    shown = _shown(servers, survey.apex, TYPES, timing)
    queries = [Query(each, survey.apex, kind, recurse=True) for each in resolvers for kind in shown]
    with Transport(timing) as transport:
        answers = transport.ask(queries, WITHIN)
    found: dict[Address, OtherContents] = {}
    for query in queries:
        seen, here = _records(answers[query]), shown[query.rdtype]
        if seen and seen.ttl >= here.ttl - JUST_FETCHED and _differ(query.rdtype, seen, here, survey):
            kind = dns.rdatatype.to_text(query.rdtype)
            values = tuple(sorted(here.values)), tuple(sorted(seen.values))
            found.setdefault(query.server, OtherContents(query.server, kind, *values))
    if not found:
        return ()
    kinds = {dns.rdatatype.from_text(each.rdtype) for each in found.values()}
    still = _shown(servers, survey.apex, kinds, timing)
    return tuple(
        each
        for each in found.values()
        if (now := still.get(dns.rdatatype.from_text(each.rdtype))) and now.values == {*each.shown}
    )


def _shown(
    servers: Sequence[Address], apex: str, types: Iterable[RdataType], timing: Timing
) -> Mapping[RdataType, _Records]:
    """What is there, of the types on which all servers agree."""
    queries = [Query(each, apex, kind) for each in servers for kind in types]
    with Transport(timing) as transport:
        answers = transport.ask(queries, WITHIN)
    found: dict[RdataType, set[_Records | None]] = {}
    for query in queries:
        answer = answers[query]
        found.setdefault(query.rdtype, set()).add(_records(answer) if answer.authoritative else None)
    return {
        kind: records for kind, several in found.items() if len(several) == 1 and (records := several.pop())
    }


def _records(answer: Response) -> _Records | None:
    """Those in the answer that are of the type that was asked for."""
    message = answer.message
    if message is None or message.rcode() != dns.rcode.NOERROR:
        return None
    rrsets = [rrset for rrset in message.answer if rrset.rdtype == message.question[0].rdtype]
    if len(rrsets) != len(message.answer):  # a CNAME, which the apex should not be
        return None
    values = frozenset(rdata.to_text().lower() for rrset in rrsets for rdata in rrset)
    return _Records(values, min(rrset.ttl for rrset in rrsets)) if values else None


def _differ(kind: RdataType, seen: _Records, here: _Records, survey: ZoneSurvey) -> bool:
    """Of NS, a resolver may have those of the parent; addresses may be chosen by who asks; and a serial that
    differs is another matter."""
    if kind == A:
        return _are_global(seen.values) and not _are_global(here.values)
    if kind == NS:
        return not seen.values <= here.values | {f"{host}." for host in survey.delegated}
    if kind == SOA:
        serials = {each.split()[2] for each in (*seen.values, *here.values)}
        return len(serials) == 1 and seen.values != here.values
    return seen.values != here.values


def _are_global(addresses: Collection[str]) -> bool:
    return any(ip_address(each).is_global for each in addresses)
