"""Name servers that show others another zone than this machine, or answer nobody else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ......threads import in_background_once
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.inspect.seen_by_resolvers import OtherZone, Seen, ask_resolvers, other_zones
from .....dns.inspect.survey import Survey
from ...finding import Finding, Severity
from ...wording import hosts_of
from ..subjects.zones import survey_of


class Outside(NamedTuple):
    """A zone as its servers show it to this machine, and as the resolvers see it."""

    survey: Survey
    seen: tuple[Seen, ...]
    others: tuple[OtherZone, ...]


@in_background_once(256)
def look_from_outside(discovery: Discovery, resolvers: tuple[Address, ...], apex: str) -> Outside | None:
    """The zone at ``apex`` as each of the resolvers sees it, who ask from where they are; None where its
    servers are of no use here either."""
    seen = ask_resolvers(resolvers, apex, discovery.timing)
    survey = survey_of(discovery, apex)
    if survey is None or survey.intercepted or not any(look.authority for look in survey.looks):
        return None
    return Outside(survey, seen, other_zones(seen, survey, discovery.timing))


def findings(outside: Outside) -> Iterator[Finding]:
    """Servers that answer this network alone, and those that have another zone for the world."""
    survey, seen, others = outside
    deaf = [each for each in seen if each.unanswered]
    if deaf and len(deaf) == len(seen) and any(":" not in look.address.ip for look in survey.looks):
        yield _unanswered(survey, deaf)
    if others:
        yield _other_zone(survey, others, len(seen))


def _unanswered(survey: Survey, deaf: Sequence[Seen]) -> Finding:
    """A single resolver may have reasons of its own."""
    resolvers = ", ".join(str(each.resolver) for each in deaf)
    hosts, look = hosts_of(survey.looks), survey.looks[0]
    return Finding(
        "unanswered-outside",
        Severity.ERROR if len(deaf) > 1 else Severity.WARNING,
        survey.apex,
        f"the resolver {resolvers} finds no answer for {survey.apex} ({deaf[0].soa.words}), and does for the "
        f"zone above, while this machine has one from {hosts}: they may answer this network alone",
        (
            f"have {hosts} answer everybody: allow-query {{ any; }}; in the options, the view and the zone "
            "(BIND; likewise blackhole), no acl in the way (Knot, NSD), and UDP and TCP port 53 open to the "
            "world in the firewall",
            f"see for yourself, from a machine outside: dig SOA {survey.apex} +norec @{look.address.ip}; and "
            f"dig SOA {survey.apex} @{deaf[0].resolver.ip}",
        ),
    )


def _other_zone(survey: Survey, others: Sequence[OtherZone], asked: int) -> Finding:
    """Who asks from a global address, or where all of several see it, is the world; one resolver that is near
    may be the one that is inside."""
    everybody = len(others) == asked
    outside = asked > 1 or any(ipaddress.ip_address(each.resolver.ip).is_global for each in others)
    first, look = others[0], next(look for look in survey.looks if look.authority)
    resolvers = ", ".join(str(each.resolver) for each in others)
    return Finding(
        "other-view",
        Severity.ERROR if everybody and outside else Severity.WARNING,
        survey.apex,
        f"the resolver {resolvers} sees another zone {survey.apex} (serial {first.serial}) than its name "
        f"servers show this machine (serial {look.serial}): they have views, by who asks",
        (
            f"if {resolvers} sees what the world sees, have the updates reach that view: in BIND, put "
            '{ key "KEY"; any; } into its match-clients, and { !key "KEY"; … } into those of the other view',
            'and have orders wait for what resolvers see: readiness = "resolvers" (DNS01_READINESS)',
            f"if it is {resolvers} that is inside: take it out of DNS01_RESOLVERS (`resolvers`)",
            f"compare: dig SOA {survey.apex} @{first.resolver.ip}; "
            f"dig SOA {survey.apex} +norec @{look.address.ip}",
        ),
    )
