"""What a CA asks about a domain, and what each server of the zones that it is in says to that."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress

import dns.message
from dns.rdatatype import CAA, RdataType

from ......errors import DelegationError
from ......names import ancestors
from ......threads import in_background_once
from .....dns.address import Address
from .....dns.cname_chain import CNAME_LIMIT, Discovery
from .....dns.inspect.refused_for_now import PAUSES, is_refused
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import SOA, TXT, Query, Response, alias_of
from .....dns.transports.transport import Transport
from ...finding import Examined
from .zones import survey_of, zone_of

TIMEOUT = 3.0  # seconds for one question to all servers of a zone
SMALL = 512  # octets, which every way takes
ROUNDS = 3  # of asking again: of five datagrams one may get lost

Answers = Mapping[Address, Response]


def questions(examined: Examined) -> Iterator[tuple[str, RdataType]]:
    """TXT at the challenge name and at each CNAME's target; CAA at the domain and above it as far as
    there is none, CNAMEs followed."""
    with suppress(DelegationError):
        yield from ((name, TXT) for name in examined.discovery.find(examined.name).chain)
    for owner in ancestors(examined.domain.removeprefix("*.")):
        if "." not in owner:  # a registry's
            return
        name, chain = owner, [owner]
        while len(chain) <= CNAME_LIMIT:
            yield name, CAA
            reply = _answer(examined, name)
            if reply is None:  # the CAA check's finding
                return
            if any(rrset.rdtype == CAA for rrset in reply.answer):
                return
            name = alias_of(reply, name)
            if not name or name in chain:
                break
            chain.append(name)


def _answer(examined: Examined, name: str) -> dns.message.Message | None:
    """What the servers say to that, which all of them are asked anyway, side by side: asked before, in vain,
    they would take the time of the whole check."""
    survey = zone_of(examined, name)
    if survey is None:
        with suppress(DelegationError):
            return examined.discovery.ask(name, CAA)
        return None
    answers = asking(examined, survey, name, CAA).result()
    for server in survey.answers:
        answer = answers.get(server.address)
        if answer and answer.message and (answer.authoritative or alias_of(answer.message, name)):
            return answer.message
    return None


def asking(examined: Examined, survey: ZoneSurvey, name: str, rdtype: RdataType) -> Future[Answers]:
    """What each server of the zone that is not silent says to one question, asked once for all checks."""
    return _ask(examined.discovery, survey.apex, name, rdtype)


@in_background_once(4096)
def _ask(discovery: Discovery, apex: str, name: str, rdtype: RdataType) -> Answers:
    """Signatures are asked for where the parent has a DS; over TCP where large datagrams are lost."""
    survey = survey_of(discovery, apex)
    servers = survey.answers if survey else ()
    signed = survey is not None and survey.ds is not None
    queries = {
        Query(server.address, name, rdtype, dnssec=signed, stream=_by_stream(server, signed=signed))
        for server in servers
        if not server.silent
    }
    with Transport(discovery.timing) as transport:
        found = dict(transport.ask(queries, TIMEOUT))
    serving = {server.address for server in servers if server.authority}
    for pause in PAUSES:  # a server that has the zone may refuse what is above a rate
        refused = [each for each, answer in found.items() if is_refused(answer) and each.server in serving]
        if not refused:
            break
        time.sleep(pause)
        with Transport(discovery.timing) as transport:
            found |= transport.ask(refused, TIMEOUT)
    return {query.server: answer for query, answer in found.items()}


def dropping(
    examined: Examined, survey: ZoneSurvey, name: str, rdtype: RdataType, servers: Iterable[ServerAnswers]
) -> set[Address]:
    """Which of the servers let this one question vanish, and answer another meanwhile: one that is slow, or
    limits its rate, lets others vanish as well."""
    pairs = {
        server.address: (
            Query(server.address, survey.apex, SOA, stream=_by_stream(server, signed=False)),
            Query(server.address, name, rdtype, stream=_by_stream(server, signed=False)),
        )
        for server in servers
    }
    timing = examined.discovery.timing
    timing = timing._replace(datagram=timing.again / 2)  # twice in each round, and never over TCP
    answered: set[Query] = set()
    for _ in range(ROUNDS):
        with Transport(timing) as transport:
            answers = transport.ask([each for pair in pairs.values() for each in pair], timing.again)
        answered |= {query for query, answer in answers.items() if answer.message is not None}
        pairs = {address: pair for address, pair in pairs.items() if pair[1] not in answered}
    return {address for address, (known, _) in pairs.items() if known in answered}


def too_large(
    examined: Examined, name: str, rdtype: RdataType, servers: Iterable[ServerAnswers]
) -> set[Address]:
    """Which of the servers have an answer of more than 512 octets to this question, over TCP."""
    queries = [Query(server.address, name, rdtype, stream=True) for server in servers]
    timing = examined.discovery.timing
    with Transport(timing) as transport:
        answers = transport.ask(queries, 2 * timing.again)
    return {
        query.server
        for query, answer in answers.items()
        if answer.message is not None and len(answer.message.to_wire()) > SMALL
    }


def _by_stream(server: ServerAnswers, *, signed: bool) -> bool:
    return not (server.udp and server.edns) or (signed and bool(server.lost))
