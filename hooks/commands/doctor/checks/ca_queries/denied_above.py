"""Names that a server denies while it has others beneath them (RFC 4592 §2.2.2: they exist, without records).

Resolvers that take a denial for all that is beneath a name (RFC 8020, RFC 8198) deny the challenge then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby, islice

import dns.rcode
from dns.rdatatype import CAA, TXT

from ......errors import DelegationError
from ......names import ancestors
from .....dns.inspect.dnssec import trusted_keys
from .....dns.inspect.faults import listed
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from ...finding import Examined, Finding, Severity
from ..subjects.answers import asking
from ..subjects.zones import zone_of

MOST = 8  # labels of a name that are gone through, from its end


def denied_above(examined: Examined) -> Iterator[Finding]:
    """The names above the challenge name and above each CNAME's target."""
    with suppress(DelegationError):
        for name in examined.discovery.find(examined.name).chain:
            path = [each for each in islice(ancestors(name), MOST) if "." in each]
            homes = [(each, zone_of(examined, each)) for each in path]
            below = ""  # the apex of the zone beneath is a name of this one as well
            for apex, group in groupby(homes, lambda home: home[1].apex if home[1] else ""):
                several = list(group)
                names = [each for each, _ in several]
                if (survey := several[0][1]) is not None:
                    yield from _denied(examined, survey, name, [below, *names] if below else names)
                below = apex


def _denied(examined: Examined, survey: ZoneSurvey, name: str, names: Sequence[str]) -> Iterator[Finding]:
    """``names``: from the deepest upwards."""
    asked = [(each, asking(examined, survey, each, TXT if each == name else CAA)) for each in names]
    found: dict[tuple[str, str], list[ServerAnswers]] = {}
    for server in survey.answers if len(names) > 1 else ():
        existing = ""
        for each, answers in asked:
            answer = answers.result().get(server.address)
            if existing and answer and answer.denies:
                found.setdefault((each, existing), []).append(server)
            elif answer and answer.message and not answer.denies:
                existing = each if answer.message.rcode() == dns.rcode.NOERROR else existing
    for (denied, existing), servers in found.items():
        yield _finding(survey, name, denied, existing, servers)


def _finding(
    survey: ZoneSurvey, name: str, denied: str, existing: str, servers: Sequence[ServerAnswers]
) -> Finding:
    """Of a signed zone, resolvers believe it; of others, some do."""
    hosts = ", ".join(dict.fromkeys(server.host for server in servers))
    signed = trusted_keys(survey, time.time()) is not None
    return Finding(
        "name-denied",
        Severity.ERROR if signed else Severity.WARNING,
        denied,
        f"the name server {listed(servers)} says that {denied} does not exist (NXDOMAIN), and has {existing} "
        f"beneath it: {'' if signed else 'some '}resolvers take that for a no to {name}, too (RFC 8020)",
        (
            f"have {hosts} answer NOERROR there: pdnsutil rectify-zone {survey.apex} (PowerDNS; "
            "api-rectify=yes has its API do that), or newer software",
            f'or give {denied} a record of its own: {denied}. TXT "-"',
            f"see for yourself: dig CAA {denied} +norec @{servers[0].address.ip}",
        ),
    )
