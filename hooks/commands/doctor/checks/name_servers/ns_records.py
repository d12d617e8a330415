"""The NS records of a zone: whether the parent's and the zone's own agree, and whether they name hosts."""

from __future__ import annotations

from collections.abc import Iterator

from .....dns.inspect.zone_survey import ZoneSurvey
from ...finding import Finding, Severity
from ...wording import address_type, or_drop, the_server


def ns_mismatch(survey: ZoneSurvey) -> Iterator[Finding]:
    """A parent that names only some of the zone's servers is of no consequence where all of them serve it:
    resolvers take the zone's own word (RFC 2181 §5.4.1)."""
    own = survey.newest.hosts if survey.newest else ()
    if not own or set(own) == set(survey.delegated):
        return
    serving = {server.host for server in survey.answers if server.authority}
    harmless = set(survey.delegated) < set(own) <= serving
    sides = {"at its parent": {*survey.delegated} - {*own}, "in the zone": {*own} - {*survey.delegated}}
    alone = [f"{', '.join(sorted(hosts))} only {where}" for where, hosts in sides.items() if hosts]
    steps = [
        f"give the registrar, or whoever runs the parent zone, these: {', '.join(own)}",
        f"or change the zone's own NS records to: {', '.join(survey.delegated)}",
    ]
    if not serving & sides["in the zone"] and serving >= {
        *survey.delegated
    }:  # the zone's own are the old ones
        steps = [
            f"change the zone's own NS records to: {', '.join(survey.delegated)}",
            f"or, once these serve it, give them to the registrar, or the parent zone: {', '.join(own)}",
        ]
    yield Finding(
        "ns-mismatch",
        Severity.NOTE if harmless else Severity.WARNING,
        survey.apex,
        f"{survey.apex} is delegated to other name servers than it names itself: {', '.join(alone)}",
        (
            f"decide which servers {survey.apex} is to have, and see that all of them serve it",
            *steps,
        ),
    )


def ns_cname(survey: ZoneSurvey) -> Iterator[Finding]:
    """NS names that are CNAMEs."""
    hosts, targets = ", ".join(survey.aliases), ", ".join(survey.aliases.values())
    if hosts:
        yield Finding(
            "ns-cname",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} is a CNAME, to {targets}: many resolvers do not follow it "
            "(RFC 2181 §10.3)",
            (
                "name the server itself, at the parent and in the zone: "
                + "; ".join(f"{survey.apex}. NS {target}." for target in survey.aliases.values()),
                f"or give {hosts} addresses of its own (A, AAAA) in place of the CNAME",
            ),
        )


def ns_literal(survey: ZoneSurvey) -> Iterator[Finding]:
    """NS names that are an address."""
    if literal := list(filter(is_literal, survey.homeless)):
        hosts = ", ".join(literal)
        yield Finding(
            "ns-without-address",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} is an address, and NS takes the name of a host",
            (
                f"write the name of a host in its place: {survey.apex}. NS ns1.{survey.apex}. and "
                f"ns1.{survey.apex}. A {literal[0]}",
                or_drop(survey, hosts),
            ),
        )


def ns_without_address(survey: ZoneSurvey) -> Iterator[Finding]:
    """NS names that lead to no server."""
    if hosts := ", ".join(host for host in survey.homeless if not is_literal(host)):
        yield Finding(
            "ns-without-address",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} has no address",
            (
                f"give {hosts} its A or AAAA record, and glue at the parent where it is in the zone",
                or_drop(survey, hosts),
            ),
        )


def ns_in_glue_alone(survey: ZoneSurvey) -> Iterator[Finding]:
    """Resolvers that look for the addresses in the zone itself lose its servers (RFC 1912 §2.3)."""
    if hosts := ", ".join(survey.glue_alone):
        records = "; ".join(
            f"{host}. {address_type(address.ip)} {address.ip}"
            for host in survey.glue_alone
            for address in survey.glue[host]
        )
        yield Finding(
            "ns-without-address",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} has no address in the zone itself, where its name is, but "
            "at the parent alone (glue): resolvers that look for it there lose the server",
            (f"write into the zone what the parent has: {records}",),
        )


def ns_not_found(survey: ZoneSurvey) -> Iterator[Finding]:
    """NS names in zones that nobody answers for: resolvers cannot find them either."""
    if survey.unfound:
        hosts = ", ".join(survey.unfound)
        yield Finding(
            "ns-not-found",
            Severity.WARNING,
            hosts,
            f"the addresses of name servers of {survey.apex} cannot be had, for nobody answers for the zones "
            f"that these hosts are in: {hosts}",
            (
                f"bring the name servers of those zones back: dig A {survey.unfound[0]} +trace shows them",
                or_drop(survey, hosts),
            ),
        )


def is_literal(host: str) -> bool:
    """Whether it is an IPv4 address in the place of a name."""
    return host.replace(".", "").isdigit()
