"""What is wrong with the copies of a zone that its name servers have: one detector, for the doctor
and for a wait that has failed.

A server that speaks for the zone and does not have what the account writes is waited for in vain;
one that says nothing useful is excused (docs/readiness.rst).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple

import dns.rcode

from ....names import is_within
from ..message import alias_of, apex_of, text
from .server_answers import ServerAnswers
from .zone_survey import ZoneSurvey

Kind = Literal[
    "silent",
    "refuses",
    "fails",
    "resolver",
    "lame",
    "cname",
    "parent",
    "parked",
    "foreign",
    "stale",
    "ahead",
    "primary",
]

SPEAKS: Collection[Kind] = ("parent", "parked", "foreign", "stale", "ahead", "primary")
"""Those that answer with authority: they are never excused."""


class ZoneCopy(NamedTuple):
    """A zone's SOA and NS as one place has them. ``where``: the server or the account."""

    where: str
    mname: str
    serial: int | None
    hosts: frozenset[str]


class ServerFault(NamedTuple):
    """Addresses of one NS name that have the same thing wrong with them."""

    kind: Kind
    host: str
    answers: tuple[ServerAnswers, ...]


def server_faults(survey: ZoneSurvey, account: ZoneCopy | None = None) -> list[ServerFault]:
    """What is wrong with each server, in the order of the servers. ``account``: what the account
    itself has, where that is known."""
    found: dict[tuple[str, Kind], list[ServerAnswers]] = {}
    expected = _Expected(account or reference_copy(survey), account is not None, went_back(survey, account))
    for server in survey.answers:
        if kind := _fault_of(server, survey, expected):
            found.setdefault((server.host, kind), []).append(server)
    return [ServerFault(kind, host, tuple(servers)) for (host, kind), servers in found.items()]


class _Expected(NamedTuple):
    """What the servers are compared with: found out once for all of them."""

    copy: ZoneCopy | None
    is_the_accounts: bool
    went_back: bool


def _fault_of(server: ServerAnswers, survey: ZoneSurvey, expected: _Expected) -> Kind | None:
    """The one fault of an address, None if there is none."""
    message = server.soa_response.message
    if message is None:
        return "silent"
    if server.authority is None:
        return _without_authority(server, survey.apex)
    copy, reference = copy_at(server), expected.copy
    if reference and _is_foreign(copy, reference, strict=expected.is_the_accounts):
        return "primary" if copy.hosts & reference.hosts else "foreign"
    behind = {each.address for each in survey.behind}
    if expected.went_back:  # then those with the greater serials have the old copy
        return "ahead" if server.address not in behind else None
    if server.address in behind:
        return "stale"
    return None


def _without_authority(server: ServerAnswers, apex: str) -> Kind:
    message = server.soa_response.message
    assert message is not None
    if server.soa_response.like_a_resolver:
        return "resolver"
    if alias_of(message, apex):
        return "cname"
    if server.soa_response.authoritative:
        above = apex_of(message)
        return "parent" if "." in above and above != apex and is_within(apex, above) else "parked"
    match message.rcode():
        case dns.rcode.REFUSED | dns.rcode.NOTAUTH:
            return "refuses"
        case dns.rcode.SERVFAIL:
            return "fails"
    return "lame"


def copy_at(server: ServerAnswers) -> ZoneCopy:
    """The copy of the zone that one address shows."""
    mname = text(server.authority.mname) if server.authority else ""
    return ZoneCopy(str(server), mname, server.serial, frozenset(server.hosts))


def reference_copy(survey: ZoneSurvey) -> ZoneCopy | None:
    """The copy of most of the servers, of which the others have to be copies: of several, the one that
    names the most of the delegated servers."""
    copies = [copy_at(server) for server in survey.answers if server.authority]
    counted: dict[tuple[str, frozenset[str]], int] = {}
    for copy in copies:
        counted[copy.mname, copy.hosts] = counted.get((copy.mname, copy.hosts), 0) + 1
    delegated = frozenset(survey.delegated)
    return max(
        copies,
        key=lambda copy: (len(copy.hosts & delegated), counted[copy.mname, copy.hosts], copy.serial or 0),
        default=None,
    )


def _is_foreign(copy: ZoneCopy, reference: ZoneCopy, *, strict: bool) -> bool:
    """Whether it is no copy of that one at all. A secondary shows its primary's SOA unchanged
    (``strict``); but some providers have each server name itself there."""
    if not copy.hosts or not reference.mname or copy.mname == reference.mname:
        return False
    return strict or not copy.hosts & reference.hosts


def went_back(survey: ZoneSurvey, account: ZoneCopy | None = None) -> bool:
    """Whether the primary's serial is below that of its secondaries: they never fetch it then. Where all
    public copies are behind the account's own, it is the account that the primary's name does not lead to. A
    primary that answers from two copies by turns is several machines, of which one is late."""
    primaries, newest = primary_addresses(survey, account), survey.newest
    return any(
        server.address.ip in primaries
        and not server.uneven
        and newest is not None
        and server.serial != newest.serial
        for server in survey.behind
    )


def primary_addresses(survey: ZoneSurvey, account: ZoneCopy | None) -> set[str]:
    """The primary's addresses: those that the account writes to, else those of the SOA's MNAME."""
    if account and account.where:
        return {account.where}
    newest = survey.newest
    mname = text(newest.authority.mname) if newest and newest.authority else ""
    return {server.address.ip for server in survey.answers if server.host == mname}


def retransfer(apex: str) -> str:
    """The commands that have a secondary fetch the zone anew, by the software that serves it."""
    return (
        f"rndc retransfer {apex} (BIND), knotc zone-retransfer {apex} (Knot), "
        f"pdns_control retrieve {apex} (PowerDNS)"
    )


def listed(servers: Iterable[ServerAnswers]) -> str:
    """The servers, in a list for a sentence."""
    return ", ".join(map(str, servers))


def by_host(servers: Iterable[ServerAnswers]) -> Iterator[tuple[str, list[ServerAnswers]]]:
    """The faulty addresses by NS name."""
    hosts: dict[str, list[ServerAnswers]] = {}
    for server in servers:
        hosts.setdefault(server.host, []).append(server)
    yield from hosts.items()
