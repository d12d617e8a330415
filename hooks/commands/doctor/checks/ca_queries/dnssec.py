"""DNSSEC of what a CA asks: every zone on the way, CAA up the tree, the challenge name."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import dns.rcode
import dns.rdatatype
from dns.rdatatype import DS, RdataType

from ......errors import DelegationError
from ......names import is_within
from .....dns.inspect.denial import MOST_ITERATIONS, SOME_ITERATIONS, iterations
from .....dns.inspect.dnssec import Bogus, Expiring, trusted_keys, validate, validate_answers
from .....dns.inspect.dnssec_remedies import sign_again
from .....dns.inspect.faults import listed
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import Response, referral_to
from ...finding import Examined, Finding, Severity
from ..subjects.answers import Answers, asking, questions
from ..subjects.large_answers import large_lost, losing_large
from ..subjects.zones import surveys, zone_of
from ..zone_copies.signed_at_account import Question, as_the_account
from .questions import steps

SHOWN = 3  # of what is wrong with the answers of the same servers


def check(examined: Examined) -> Iterator[Finding]:
    """What keeps validating resolvers from believing the answers that the challenge depends on."""
    if examined.settings.nameservers_for(examined.name):
        return
    asked = {question: zone_of(examined, question[0]) for question in dict.fromkeys(questions(examined))}
    aliases = _aliases(examined, asked)
    for found in _findings(examined, asked):
        owner = next((aliases[apex] for apex in aliases if is_within(apex, found.subject)), "")
        yield found if _is_on_the_way(examined, found.subject) or not owner else _led_to(found, owner)


Asked = Mapping[tuple[str, RdataType], ZoneSurvey | None]


def _aliases(examined: Examined, asked: Asked) -> dict[str, str]:
    """The zones that matter since CAA is asked for there, by a CNAME of the domain or of a name above it:
    by their apex, that name."""
    owner, aliases = examined.domain.removeprefix("*."), dict[str, str]()
    for (name, rdtype), zone in asked.items():
        if rdtype == dns.rdatatype.CAA:
            owner = name if is_within(examined.domain, name) else owner
            if zone is not None and not _is_on_the_way(examined, zone.apex):
                aliases.setdefault(zone.apex, owner)
    return aliases


def _is_on_the_way(examined: Examined, apex: str) -> bool:
    """Whether the domain is within it, or its challenge is."""
    return is_within(examined.domain, apex) or apex in {survey.apex for survey in surveys(examined)}


def _led_to(found: Finding, owner: str) -> Finding:
    """The finding about a zone, with the reason why that matters to the domain."""
    return found._replace(
        message=f"a CNAME leads from {owner} into {found.subject}, where CAs ask for CAA: {found.message}",
        remedy=(
            f"if {found.subject} is somebody else's, tell them, or put addresses in the place of the CNAME "
            f"of {owner}",
            *found.remedy,
        ),
    )


def _findings(examined: Examined, asked: Asked) -> Iterator[Finding]:
    zones: dict[str, ZoneSurvey] = {survey.apex: survey for survey in surveys(examined)}
    zones |= {survey.apex: survey for survey in asked.values() if survey is not None}
    refused = set()
    for survey in zones.values():
        for fault in validate(survey):
            yield finding(as_the_account(examined, survey, fault) if isinstance(fault, Bogus) else fault)
            if isinstance(fault, Bogus):
                refused |= {(survey.apex, server.address) for server in fault.servers}
        yield from _without_keys(survey)
        yield from _cut(examined, survey)
    signed = {
        question: (zone, asking(examined, zone, *question))
        for question, zone in asked.items()
        if zone is not None and trusted_keys(zone, time.time()) is not None
    }
    by_servers: dict[tuple[str, str], list[tuple[Question, Bogus]]] = {}
    for (name, rdtype), (zone, answers) in signed.items():
        trusted = [server for server in zone.answers if (zone.apex, server.address) not in refused]
        for fault in _answers(zone._replace(answers=tuple(trusted)), name, rdtype, answers.result()):
            of_these = by_servers.setdefault((fault.apex, listed(fault.servers)), [])
            of_these.append((Question(name, rdtype), fault))
    for faults in by_servers.values():
        question, first = faults[0]
        first = as_the_account(examined, zones[first.apex], first, question)
        yield finding(first._replace(reason="; ".join(fault.reason for _, fault in faults[:SHOWN])))
    for apex in dict.fromkeys(zone.apex for zone, _ in signed.values()):
        responses = [
            answer
            for zone, answers in signed.values()
            if zone.apex == apex
            for answer in answers.result().values()
        ]
        most = max((iterations(answer.message) for answer in responses if answer.message), default=0)
        if most > SOME_ITERATIONS:
            yield _costly(apex, most)


def _without_keys(survey: ZoneSurvey) -> Iterator[Finding]:
    """The keys are the largest answer of most zones, and nobody validates without them."""
    speaking = [server for server in survey.answers if server.authority]
    explained = losing_large(survey)  # of which the check of the servers tells
    missing = [server for server in speaking if server.keys.message is None and server not in explained]
    if not missing or survey.ds is None:
        return
    nobody = len(missing) == len(speaking)
    if not any(server.stream.message or server.keys.truncated for server in missing):
        yield large_lost(survey.apex, missing, f"DNSKEY {survey.apex} +dnssec", "its keys", nobody=nobody)
        return
    hosts = ", ".join(dict.fromkeys(server.host for server in missing))
    truncated = any(server.keys.truncated for server in missing)
    yield Finding(
        "dnskey-unanswered",
        Severity.ERROR if nobody else Severity.WARNING,
        survey.apex,
        f"{listed(missing)} gives no answer to questions for the DNSKEY of {survey.apex} "
        f"({missing[0].keys.summary}), which is signed: resolvers of CAs refuse all that it says",
        tuple(steps("truncated" if truncated else "dropped", "DNSKEY", hosts)),
    )


def finding(fault: Bogus | Expiring) -> Finding:
    """What the validation of a zone, or of an answer, has found."""
    code, severity = (
        ("dnssec-bogus", Severity.ERROR)
        if isinstance(fault, Bogus)
        else ("signature-expiring", Severity.WARNING)
    )
    return Finding(code, severity, fault.apex, fault.message, fault.remedy)


def _answers(survey: ZoneSurvey, name: str, rdtype: RdataType, answers: Answers) -> list[Bogus]:
    """What each server of the zone says; a referral is for the child to answer."""
    responses = [
        (server, response)
        for server in survey.answers
        if server.authority and (response := answers.get(server.address)) and response.message
        if referral_to(response.message, survey.apex, name) is None
    ]
    return validate_answers(survey, name, rdtype, responses)


def _costly(apex: str, most: int) -> Finding:
    """RFC 9276 §3.2: resolvers do not compute so much, and take the zone for unsigned or fail."""
    return Finding(
        "nsec3-iterations",
        Severity.WARNING if most > MOST_ITERATIONS else Severity.NOTE,
        apex,
        f"the NSEC3 records of {apex} have {most} iterations: resolvers take the zone for unsigned, or fail "
        f"(some do beyond {SOME_ITERATIONS}, all beyond {MOST_ITERATIONS})",
        (
            "have it signed with 0 iterations and no salt (RFC 9276): nsec3param iterations 0; (BIND, in the "
            "dnssec-policy), nsec3-iterations: 0 (Knot, in the policy), "
            f"pdnsutil set-nsec3 {apex} '1 0 0 -' (PowerDNS)",
        ),
    )


def _cut(examined: Examined, survey: ZoneSurvey) -> Iterator[Finding]:
    """The parent, where it is signed and no registry's, has to sign the DS or the proof of none."""
    above = zone_of(examined, survey.apex.partition(".")[2])
    if above is None or trusted_keys(above, time.time()) is None:
        return
    try:
        reply = Response(examined.discovery.ask(survey.apex, dns.rdatatype.DS))
    except DelegationError:
        yield from _unproven_cut(examined, above, survey.apex)
    else:
        responses = [(server, reply) for server in above.answers if server.authority]
        yield from map(finding, validate_answers(above, survey.apex, DS, responses))


def _unproven_cut(examined: Examined, above: ZoneSurvey, child: str) -> Iterator[Finding]:
    """BIND fails at the proof that there is no DS where its NSEC records know nothing of the delegation, as
    of one that was written into the signed file by hand."""
    answers = asking(examined, above, child, DS).result()
    speaking = tuple(server for server in above.answers if server.authority)
    failing = [
        server
        for server in speaking
        if (answer := answers.get(server.address)) and answer.message is not None
        if answer.message.rcode() == dns.rcode.SERVFAIL
    ]
    if failing and len(failing) == len(speaking):
        reason = (
            f"nothing proves that {child} has no DS: asked for it, they say SERVFAIL; the delegation may "
            "have come into the zone after it was signed"
        )
        yield finding(Bogus(above.apex, reason, sign_again(above.apex), speaking))
