"""Servers whose large answers get lost while small ones arrive, and whose TCP is closed: nobody has those."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from .....dns.address import Address
from .....dns.inspect.server_answers import SMALL, ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import Response
from ...finding import Finding, Severity


def losing_large(survey: ZoneSurvey, heard: Collection[Address] = ()) -> list[ServerAnswers]:
    """The servers without TCP that lack what another one has in a large answer. ``heard``: those of which
    small answers arrive over UDP; of one that is silent otherwise, nothing else tells. Where no server says
    more to anybody, the answers of a signed zone are taken for large."""
    if survey.ds is not None and not any(server.authority for server in survey.answers):
        return [server for server in survey.answers if server.silent and server.address in heard]  # signed
    return [
        server
        for server in survey.answers
        if server.stream.message is None and (not server.silent or server.address in heard)
        if any(_is_lost(own, others) for own, others in _pairs(server, survey))
    ]


def _pairs(server: ServerAnswers, survey: ZoneSurvey) -> Iterable[tuple[Response, list[Response]]]:
    others = [each for each in survey.answers if each.authority]
    yield server.soa, [each.soa for each in others]
    yield server.ns, [each.ns for each in others]
    yield server.keys, [each.keys for each in others]


def _is_lost(own: Response, others: Iterable[Response]) -> bool:
    return own.message is None and not own.truncated and is_large(others)


def is_large(answers: Iterable[Response]) -> bool:
    """Whether one of the answers to a question has more octets than every way takes."""
    return any(answer.message is not None and len(answer.message.to_wire()) > SMALL for answer in answers)


def large_lost(
    zone: str, servers: Sequence[ServerAnswers], question: str, which: str, *, nobody: bool
) -> Finding:
    """``question``: the arguments of dig for one that is lost; ``which``: what those answers are."""
    hosts = ", ".join(dict.fromkeys(server.host for server in servers))
    ip = servers[0].address.ip
    return Finding(
        "large-lost",
        Severity.ERROR if nobody else Severity.WARNING,
        hosts,
        f"of {hosts}, small answers for {zone} arrive over UDP and larger ones do not, as {which}; and TCP "
        "is closed: nobody gets those there",
        steps(hosts, zone, ip, question),
    )


def steps(hosts: str, zone: str, ip: str, question: str) -> tuple[str, ...]:
    """What lets large answers through, one way or the other."""
    return (
        f"let TCP port 53 through to {hosts}: dig +tcp SOA {zone} +norec @{ip}",
        "and let datagrams of 1232 octets through (a firewall that still limits DNS to 512, or drops "
        f"fragments; in BIND, max-udp-size 1232;): dig {question} +norec @{ip}",
    )
