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
from .server_answers import Look
from .survey import Survey

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
    looks: tuple[Look, ...]


def server_faults(survey: Survey, account: ZoneCopy | None = None) -> list[ServerFault]:
    """What is wrong with each server, in the order of the servers. ``account``: what the account
    itself has, where that is known."""
    found: dict[tuple[str, Kind], list[Look]] = {}
    expected = _Expected(account or reference_copy(survey), account is not None, went_back(survey, account))
    for look in survey.looks:
        if kind := _fault_of(look, survey, expected):
            found.setdefault((look.host, kind), []).append(look)
    return [ServerFault(kind, host, tuple(looks)) for (host, kind), looks in found.items()]


class _Expected(NamedTuple):
    """What the servers are compared with: found out once for all of them."""

    copy: ZoneCopy | None
    is_the_accounts: bool
    went_back: bool


def _fault_of(look: Look, survey: Survey, expected: _Expected) -> Kind | None:
    """The one fault of an address, None if there is none."""
    message = look.heard.message
    if message is None:
        return "silent"
    if look.authority is None:
        return _without_authority(look, survey.apex)
    copy, reference = copy_at(look), expected.copy
    if reference and _is_foreign(copy, reference, strict=expected.is_the_accounts):
        return "primary" if copy.hosts & reference.hosts else "foreign"
    behind = {each.address for each in survey.behind}
    if expected.went_back:  # then those with the greater serials have the old copy
        return "ahead" if look.address not in behind else None
    if look.address in behind:
        return "stale"
    return None


def _without_authority(look: Look, apex: str) -> Kind:
    message = look.heard.message
    assert message is not None
    if look.heard.like_a_resolver:
        return "resolver"
    if alias_of(message, apex):
        return "cname"
    if look.heard.authoritative:
        above = apex_of(message)
        return "parent" if "." in above and above != apex and is_within(apex, above) else "parked"
    match message.rcode():
        case dns.rcode.REFUSED | dns.rcode.NOTAUTH:
            return "refuses"
        case dns.rcode.SERVFAIL:
            return "fails"
    return "lame"


def copy_at(look: Look) -> ZoneCopy:
    """The copy of the zone that one address shows."""
    mname = text(look.authority.mname) if look.authority else ""
    return ZoneCopy(str(look), mname, look.serial, frozenset(look.hosts))


def reference_copy(survey: Survey) -> ZoneCopy | None:
    """The copy of most of the servers, of which the others have to be copies: of several, the one that
    names the most of the delegated servers."""
    copies = [copy_at(look) for look in survey.looks if look.authority]
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


def went_back(survey: Survey, account: ZoneCopy | None = None) -> bool:
    """Whether the primary's serial is below that of its secondaries: they never fetch it then. Where all
    public copies are behind the account's own, it is the account that the primary's name does not lead to. A
    primary that answers from two copies by turns is several machines, of which one is late."""
    primaries, newest = primary_addresses(survey, account), survey.newest
    return any(
        look.address.ip in primaries
        and not look.uneven
        and newest is not None
        and look.serial != newest.serial
        for look in survey.behind
    )


def primary_addresses(survey: Survey, account: ZoneCopy | None) -> set[str]:
    """The primary's addresses: those that the account writes to, else those of the SOA's MNAME."""
    if account and account.where:
        return {account.where}
    newest = survey.newest
    mname = text(newest.authority.mname) if newest and newest.authority else ""
    return {look.address.ip for look in survey.looks if look.host == mname}


def retransfer(apex: str) -> str:
    """The commands that have a secondary fetch the zone anew, by the software that serves it."""
    return (
        f"rndc retransfer {apex} (BIND), knotc zone-retransfer {apex} (Knot), "
        f"pdns_control retrieve {apex} (PowerDNS)"
    )


def listed(looks: Iterable[Look]) -> str:
    """The servers, in a list for a sentence."""
    return ", ".join(map(str, looks))


def by_host(looks: Iterable[Look]) -> Iterator[tuple[str, list[Look]]]:
    """The faulty addresses by NS name."""
    hosts: dict[str, list[Look]] = {}
    for look in looks:
        hosts.setdefault(look.host, []).append(look)
    yield from hosts.items()
