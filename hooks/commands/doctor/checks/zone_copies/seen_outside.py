"""Name servers that show others another zone than this machine, or answer nobody else.

Where a single resolver says so, which may itself be the one that is inside, endpoints of DNS over HTTPS are
asked who of the two sees what the world sees.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import dns.rcode
import dns.rdatatype

from ......threads import in_background_once
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.inspect.other_contents import OtherContents, other_contents
from .....dns.inspect.seen_by_resolvers import OtherZone, Seen, ask_resolvers, other_zones
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import SOA, Response
from ...finding import Examined, Finding, Severity
from ...wording import hosts_of
from ..subjects.account_copy import account_copies
from ..subjects.zones import survey_of

SHOWN = 60  # characters of a record
HTTPS = 2.0  # seconds for what endpoints of DNS over HTTPS see


class Outside(NamedTuple):
    """A zone as its servers show it to this machine, and as the resolvers see it."""

    survey: ZoneSurvey
    seen: tuple[Seen, ...]
    others: tuple[OtherZone, ...]
    contents: tuple[OtherContents, ...]

    @property
    def resolvers(self) -> set[Address]:
        """Those that see another zone."""
        return {each.resolver for each in self.others} | {each.resolver for each in self.contents}


@in_background_once(256)
def look_from_outside(discovery: Discovery, resolvers: tuple[Address, ...], apex: str) -> Outside | None:
    """The zone at ``apex`` as each of the resolvers sees it, who ask from where they are; None where its
    servers are of no use here either."""
    seen = ask_resolvers(resolvers, apex, discovery.timing)
    survey = survey_of(discovery, apex)
    if survey is None or survey.intercepted or not any(server.authority for server in survey.answers):
        return None
    others = other_zones(seen, survey, discovery.timing)
    answering = [each.resolver for each in seen if each.soa.message and not each.unanswered]
    alike = [each for each in answering if each not in {other.resolver for other in others}]
    return Outside(survey, seen, others, other_contents(alike, survey, discovery.timing))


def findings(examined: Examined, outside: Outside) -> Iterator[Finding]:
    """Servers that answer this network alone, and those that have another zone for the world."""
    survey, seen = outside.survey, outside.seen
    deaf = [each for each in seen if each.unanswered]
    if deaf and any(":" not in server.address.ip for server in survey.answers):
        if len(deaf) == len(seen):
            yield _unanswered(examined, survey, deaf)
        elif len(deaf) > 1:  # a single one may have reasons of its own
            yield _unanswered_by_some(survey, seen, deaf)
    if outside.resolvers and not shows_the_updated_view(examined, outside):
        yield _other_zone(examined, outside)


def shows_the_updated_view(examined: Examined, outside: Outside | None) -> bool:
    """Whether orders wait for what resolvers see, and these see the view that the updates go to: it does not
    matter then what this machine is shown."""
    if outside is None or examined.settings.readiness_for(examined.name) != "resolvers":
        return False
    own = account_copies(examined).only
    serials = {each.serial for each in outside.others}
    return own is not None and own.zone == outside.survey.apex and serials == {own.apex.serial}


def _unanswered_by_some(survey: ZoneSurvey, seen: Sequence[Seen], deaf: Sequence[Seen]) -> Finding:
    """A CA asks from several networks, and most of them have to be answered."""
    resolvers = ", ".join(str(each.resolver) for each in deaf)
    others = ", ".join(str(each.resolver) for each in seen if not each.unanswered)
    hosts, server = hosts_of(survey.answers), survey.answers[0]
    return Finding(
        "unanswered-outside",
        Severity.ERROR if 2 * len(deaf) > len(seen) else Severity.WARNING,
        survey.apex,
        f"the resolvers {resolvers} find no answer for {survey.apex} ({deaf[0].soa.summary}), and one for "
        f"the zone above, while {others} and this machine have one from {hosts}: they answer some networks "
        "and not others, and a CA asks from several",
        (
            f"have {hosts} answer everybody: no block list, filter by country, or ban of who asks much "
            "(fail2ban) before UDP and TCP port 53",
            f"see for yourself, from machines in other networks: dig SOA {survey.apex} +norec "
            f"@{server.address.ip}; and dig SOA {survey.apex} @{deaf[0].resolver.ip}",
        ),
    )


def _unanswered(examined: Examined, survey: ZoneSurvey, deaf: Sequence[Seen]) -> Finding:
    """A single resolver may have reasons of its own."""
    resolvers = ", ".join(str(each.resolver) for each in deaf)
    find = f"the resolvers {resolvers} find" if len(deaf) > 1 else f"the resolver {resolvers} finds"
    hosts, server = hosts_of(survey.answers), survey.answers[0]
    answers = _over_https(examined, survey.apex, SOA) if len(deaf) == 1 else []
    certain = len(deaf) > 1 or bool(answers)
    if any(answer.message and answer.message.answer for answer in answers):
        return _of_the_resolver(survey, deaf[0], hosts)
    return Finding(
        "unanswered-outside",
        Severity.ERROR if certain else Severity.WARNING,
        survey.apex,
        f"{find} no answer for {survey.apex} ({deaf[0].soa.summary}), and one for the zone above, while "
        f"this machine has one from {hosts}: they {'' if certain else 'may '}answer this network alone",
        (
            f"have {hosts} answer everybody: allow-query {{ any; }}; in the options, the view and the zone "
            "(BIND; likewise blackhole), no acl in the way (Knot, NSD), and UDP and TCP port 53 open to the "
            "world in the firewall",
            f"see for yourself, from a machine outside: dig SOA {survey.apex} +norec @{server.address.ip}; "
            f"and dig SOA {survey.apex} @{deaf[0].resolver.ip}",
        ),
    )


def _of_the_resolver(survey: ZoneSurvey, deaf: Seen, hosts: str) -> Finding:
    return Finding(
        "unanswered-outside",
        Severity.WARNING,
        survey.apex,
        f"the resolver {deaf.resolver} finds no answer for {survey.apex} ({deaf.soa.summary}), and others "
        f"outside do: {hosts} may refuse this one, or it has a fault of its own",
        (
            f"take {deaf.resolver} out of DNS01_RESOLVERS (`resolvers`), or see in its log why it fails",
            f"see for yourself: dig SOA {survey.apex} @{deaf.resolver.ip}",
        ),
    )


def _over_https(examined: Examined, apex: str, kind: dns.rdatatype.RdataType) -> list[Response]:
    """What endpoints say of records that are there, or that they find none; nothing of those out of reach."""
    from .....dns.transports.doh import Doh

    with Doh(HTTPS) as https:
        answers = [https.ask(endpoint, apex, kind) for endpoint in examined.settings.doh]
    found = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL)
    return [each for each in answers if each.message and each.message.rcode() in found]


def _other_zone(examined: Examined, outside: Outside) -> Finding:
    survey = outside.survey
    server = next(server for server in survey.answers if server.authority)
    if outside.others:
        first = outside.others[0]
        resolver, kind = first.resolver, "SOA"
        what = f"another zone {survey.apex} (serial {first.serial}) than its name servers show this machine "
        what += f"(serial {server.serial})"
    else:
        other = outside.contents[0]
        resolver, kind = other.resolver, other.rdtype
        what = f"another zone {survey.apex} than its name servers show this machine, with the same serial "
        what += f"{server.serial} ({kind}: {_short(other.seen)}; here: {_short(other.shown)})"
    resolvers, several = ", ".join(map(str, sorted(outside.resolvers))), len(outside.resolvers) > 1
    sees, inside = ("see", "are inside: take them") if several else ("sees", "is inside: take it")
    return Finding(
        "other-view",
        _severity(examined, outside),
        survey.apex,
        f"the resolver{'s' * several} {resolvers} {sees} {what}: they have views, by who asks",
        (
            f"if {resolvers} {sees} what the world sees, have the updates reach that view: in BIND, put "
            '{ key "KEY"; any; } into its match-clients, and { !key "KEY"; … } into those of the other view',
            'and have orders wait for what resolvers see: readiness = "resolvers" (DNS01_READINESS)',
            f"if {resolvers} {inside} out of DNS01_RESOLVERS (`resolvers`)",
            f"compare: dig {kind} {survey.apex} @{resolver.ip}; "
            f"dig {kind} {survey.apex} +norec @{server.address.ip}",
        ),
    )


def _short(values: Sequence[str]) -> str:
    """The first record, and how many more there are."""
    first = values[0] if len(values[0]) <= SHOWN else f"{values[0][:SHOWN]}…"
    return first if len(values) == 1 else f"{first} and {len(values) - 1} more"


def _severity(examined: Examined, outside: Outside) -> Severity:
    """An error where a CA, which is outside, is certain to see another zone than that which a wait looks at.
    Who asks from a global address, or where most of several see it, is the world; one resolver that is near
    may be the one that is inside."""
    if examined.settings.readiness_for(examined.name) == "resolvers":
        return Severity.WARNING
    asked, others = len(outside.seen), outside.resolvers
    outer = asked > 1 or any(ipaddress.ip_address(each.ip).is_global for each in others)
    if 2 * len(others) > asked and (outer or _is_inside(outside) or _so_does_the_world(examined, outside)):
        return Severity.ERROR
    return Severity.WARNING


def _is_inside(outside: Outside) -> bool:
    """Whether this machine is shown addresses of its own network alone, and the resolvers public ones."""
    return any(each.rdtype == "A" for each in outside.contents)


def _so_does_the_world(examined: Examined, outside: Outside) -> bool:
    """Whether endpoints of DNS over HTTPS see what the resolver does, and none what this machine does."""
    survey = outside.survey
    if outside.others:
        theirs, ours = {outside.others[0].serial}, {server.serial for server in survey.answers}
        serials = {
            rdata.serial
            for answer in _over_https(examined, survey.apex, SOA)
            for rrset in (answer.message.answer if answer.message else ())
            for rdata in rrset
            if rdata.rdtype == SOA
        }
        return bool(serials & theirs) and not serials & ours
    other = outside.contents[0]
    answers = _over_https(examined, survey.apex, dns.rdatatype.from_text(other.rdtype))
    values = {
        rdata.to_text().lower()
        for answer in answers
        for rrset in (answer.message.answer if answer.message else ())
        for rdata in rrset
    }
    return bool(values & {*other.seen}) and not values & ({*other.shown} - {*other.seen})
