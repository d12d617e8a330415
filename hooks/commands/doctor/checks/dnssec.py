"""DNSSEC of what a CA asks: every zone on the way, CAA up the tree, the challenge name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import dns.rdatatype
from dns.rdatatype import CAA, DS, RdataType

from .....errors import DelegationError
from ....dns.destination import CNAME_LIMIT
from ....dns.inspect.dnssec import Bogus, Expiring, trusted_keys, validate, validate_answers
from ....dns.inspect.survey import Survey
from ....dns.message import TXT, Query, Response, alias_of, referral_to
from ....dns.transport import Transport
from ..finding import Examined, Finding, Severity
from ._zones import surveys, zone_of

TIMEOUT = 3.0  # seconds for one question to all servers of a zone


def check(examined: Examined) -> Iterator[Finding]:
    """What keeps validating resolvers from believing the answers that the challenge depends on."""
    if examined.settings.nameservers_for(examined.name):
        return
    zones: dict[str, Survey] = {survey.apex: survey for survey in surveys(examined)}
    asked = {question: zone_of(examined, question[0]) for question in dict.fromkeys(_questions(examined))}
    zones |= {survey.apex: survey for survey in asked.values() if survey is not None}
    for survey in zones.values():
        yield from findings(survey)
        yield from _cut(examined, survey)
    for (name, rdtype), zone in asked.items():
        if zone is not None and trusted_keys(zone, time.time()) is not None:
            yield from _answers(zone, name, rdtype)


def findings(survey: Survey, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """What is wrong with the records of one zone's own apex."""
    yield from map(_finding, validate(survey, clock))


def _finding(fault: Bogus | Expiring) -> Finding:
    code, severity = (
        ("dnssec-bogus", Severity.ERROR)
        if isinstance(fault, Bogus)
        else ("signature-expiring", Severity.WARNING)
    )
    return Finding(code, severity, fault.apex, fault.message, fault.remedy)


def _questions(examined: Examined) -> Iterator[tuple[str, RdataType]]:
    """CAA at the domain and above it as far as there is none, CNAMEs followed; TXT at the challenge name
    and at each CNAME's target."""
    with suppress(DelegationError):
        yield from ((name, TXT) for name in examined.discovery.find(examined.name).chain)
    owner = examined.domain.removeprefix("*.")
    while "." in owner:
        name, chain = owner, [owner]
        while len(chain) <= CNAME_LIMIT:
            yield name, CAA
            try:
                reply = examined.discovery.ask(name, CAA)
            except DelegationError:  # the CAA check's finding
                return
            if any(rrset.rdtype == CAA for rrset in reply.answer):
                return
            name = alias_of(reply, name)
            if not name or name in chain:
                break
            chain.append(name)
        owner = owner.partition(".")[2]


def _answers(survey: Survey, name: str, rdtype: RdataType) -> Iterator[Finding]:
    """What each server of the zone says; a referral is for the child to answer."""
    queries = {
        Query(look.address, name, rdtype, dnssec=True, stream=bool(look.lost)): look
        for look in survey.looks
        if look.authority
    }
    with Transport() as wire:
        responses = wire.ask(queries, TIMEOUT)
    heard = [
        (queries[query], response)
        for query, response in responses.items()
        if response.message and referral_to(response.message, survey.apex, name) is None
    ]
    yield from map(_finding, validate_answers(survey, name, rdtype, heard))


def _cut(examined: Examined, survey: Survey) -> Iterator[Finding]:
    """The parent, where it is signed and no registry's, has to sign the DS or the proof of none."""
    above = zone_of(examined, survey.apex.partition(".")[2])
    if above is None or trusted_keys(above, time.time()) is None:
        return
    with suppress(DelegationError):
        reply = Response(examined.discovery.ask(survey.apex, dns.rdatatype.DS))
        heard = [(look, reply) for look in above.looks if look.authority]
        yield from map(_finding, validate_answers(above, survey.apex, DS, heard))
