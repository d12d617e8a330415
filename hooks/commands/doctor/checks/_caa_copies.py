"""Name servers of one zone that have other CAA records than each other: a CA comes to any of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import dns.name
import dns.rdataclass
from dns.rdatatype import CAA
from dns.rdtypes.ANY.CAA import CAA as Record

from .....names import ancestors
from ....caa.evaluation import Lookup, RRset
from ....caa.evaluation import check as judge
from ....caa.issuers import Authority
from ....dns.inspect.faults import listed, server_faults
from ....dns.inspect.server_answers import Look
from ....dns.message import Response
from ..finding import Examined, Finding, Severity
from ._ca_queries import asking, questions
from ._zones import zone_of


def differing(examined: Examined, ca: Authority, lookup: Lookup) -> Iterator[Finding]:
    """Those of which one keeps the CA from issuing, while their serial is the same. Copies that are late, or
    of somebody else's, are for the servers' own check."""
    owners = set(ancestors(examined.domain.removeprefix("*.")))
    for name, rdtype in dict.fromkeys(questions(examined)):
        survey = zone_of(examined, name) if rdtype == CAA and name in owners else None
        if survey is None or len(survey.looks) < 2 or server_faults(survey):
            continue
        answers = asking(examined, survey, name, CAA).result()
        copies: dict[frozenset[Record], list[Look]] = {}
        for look in survey.looks:
            answer = answers.get(look.address)
            if answer and answer.message and answer.authoritative:
                copies.setdefault(_records(answer, name), []).append(look)
        for records, looks in copies.items() if len(copies) > 1 else ():
            verdict = judge(examined.domain, ca, partial(_with, lookup, RRset(name, tuple(records))))
            if verdict.outcome == "forbidden":
                others = [look for look in survey.looks if look not in looks]
                yield Finding(
                    "one-sided-caa",
                    Severity.ERROR,
                    name,
                    f"{listed(looks)} has other CAA records at {name} than {listed(others)}, with the same "
                    f"serial of {survey.apex}, and a CA comes to any of them: there, {verdict.reason}",
                    (
                        f"have all servers of {survey.apex} fetch the same zone: "
                        f"rndc retransfer {survey.apex} (BIND), knotc zone-retransfer {survey.apex} (Knot), "
                        f"pdns_control retrieve {survey.apex} (PowerDNS)",
                        *(f"or, at {listed(looks)}, {step}" for step in verdict.remedy),
                    ),
                )


def _with(lookup: Lookup, known: RRset, owner: str) -> RRset:
    return known if owner == known.owner else lookup(owner)


def _records(answer: Response, name: str) -> frozenset[Record]:
    assert answer.message
    owner = dns.name.from_text(name)
    rrset = answer.message.get_rrset(answer.message.answer, owner, dns.rdataclass.IN, CAA)
    return frozenset(rrset or ())
