"""Name servers of one zone that have other CAA records than each other: a CA comes to any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import dns.name
import dns.rdataclass
from dns.rdatatype import CAA
from dns.rdtypes.ANY.CAA import CAA as Record

from ......names import ancestors
from .....caa.evaluation import CaaRRset, Lookup, Verdict
from .....caa.evaluation import check as judge
from .....caa.issuers import Issuer
from .....dns.inspect.faults import listed, retransfer, server_faults
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import Response
from ...finding import Examined, Finding, Severity
from ..subjects.answers import asking, questions
from ..subjects.zones import zone_of


def differing(examined: Examined, ca: Issuer, lookup: Lookup) -> Iterator[Finding]:
    """Those of which one keeps the CA from issuing, while their serial is the same. Copies that are late, or
    of somebody else's, are for the servers' own check."""
    owners = set(ancestors(examined.domain.removeprefix("*.")))
    for name, rdtype in dict.fromkeys(questions(examined)):
        survey = zone_of(examined, name) if rdtype == CAA and name in owners else None
        if survey is None or len(survey.answers) < 2 or server_faults(survey):
            continue
        answers = asking(examined, survey, name, CAA).result()
        copies: dict[frozenset[Record], list[ServerAnswers]] = {}
        for server in survey.answers:
            answer = answers.get(server.address)
            if answer and answer.message and answer.authoritative:
                copies.setdefault(_records(answer, name), []).append(server)
        refused = [
            (servers, verdict)
            for records, servers in copies.items()
            if (verdict := _judged(examined.domain, ca, lookup, name, records)).outcome == "forbidden"
        ]
        if refused and len(refused) < len(copies):  # of which all forbid it, the usual check tells
            yield _one_sided(
                survey, name, [server for servers, _ in refused for server in servers], refused[0][1]
            )


def _one_sided(survey: ZoneSurvey, name: str, refusing: Sequence[ServerAnswers], verdict: Verdict) -> Finding:
    apex, others = (
        survey.apex,
        [server for server in survey.answers if server.authority and server not in refusing],
    )
    return Finding(
        "one-sided-caa",
        Severity.ERROR,
        name,
        f"{listed(refusing)} has other CAA records at {name} than {listed(others)}, with the same serial of "
        f"{apex}, and a CA comes to any of them: there, {verdict.reason}",
        (
            f"have all servers of {apex} fetch the same zone: {retransfer(apex)}",
            *(f"or, at {listed(refusing)}, {step}" for step in verdict.remedy),
        ),
    )


def _judged(domain: str, ca: Issuer, lookup: Lookup, name: str, records: frozenset[Record]) -> Verdict:
    """What would be said if these were the records at the name."""
    return judge(domain, ca, partial(_with, lookup, CaaRRset(name, tuple(records))))


def _with(lookup: Lookup, known: CaaRRset, owner: str) -> CaaRRset:
    return known if owner == known.owner else lookup(owner)


def _records(answer: Response, name: str) -> frozenset[Record]:
    assert answer.message
    owner = dns.name.from_text(name)
    rrset = answer.message.get_rrset(answer.message.answer, owner, dns.rdataclass.IN, CAA)
    return frozenset(rrset or ())
