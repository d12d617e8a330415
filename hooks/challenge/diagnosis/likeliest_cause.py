"""Why a record is not ready, or was refused: the likeliest cause, and its remedy.

The suspects are heard in turn; the first that the scene fits is the likeliest.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import dns.rcode
from dns.serial import Serial

from .... import output
from ....errors import DelegationError, NotReady
from ....names import is_within
from ....threads import aside
from ...config.settings import Settings
from ...dns.inspect.dnssec import Bogus, validate
from ...dns.inspect.faults import copy_at, listed, server_faults
from ...dns.inspect.survey import Look
from ...dns.message import alias_of, apex_of, referral_to, text
from ...dns.negative_ttl import negative_ttl
from ...state.journal import Entry
from .evidence import Scene, scene

SECONDS = 10.0  # that it may take to find out

T = TypeVar("T")


class Suspicion(NamedTuple):
    """``code``: a stable word. ``cause``: one or two sentences. ``remedy``: what to do about it."""

    code: str
    cause: str
    remedy: str


def blamed(error: NotReady, entries: Sequence[Entry], settings: Settings) -> NotReady:
    """The error of a wait for the entries, with the likeliest cause and the SOA serials, as far as
    they can be found out in ``SECONDS``."""
    late = [entry for entry in entries if entry.target in error.names]
    found = within(SECONDS, lambda: evidence(late or entries, settings))
    if not found:
        return error
    lines, suspicion = found
    return NotReady(
        f"{error}: {suspicion.cause}",
        f"{suspicion.remedy}; {error.hint}",
        report=(*error.report, *lines),
        names=error.names,
    )


def evidence(entries: Sequence[Entry], settings: Settings) -> tuple[list[str], Suspicion]:
    """What each server says of the first records of the entries now, a line for each, and the
    likeliest cause why that is not enough."""
    try:
        seen = scene(entries, settings)
    except DelegationError as error:
        return [], Suspicion("delegation", str(error), error.hint or f"dig +trace {entries[0].name}")
    return [f"now, {line}" for line in seen.lines()], likeliest(seen)


def likeliest(scene: Scene) -> Suspicion:
    """The first suspect that the scene fits."""
    return next(found for suspect in SUSPECTS if (found := suspect(scene)))


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """What the work gives, if it does so in time and without an error: it is an extra."""
    try:
        return aside(work).result(seconds)
    except Exception as error:
        if os.environ.get("DNS01_DEBUG"):
            output.trace(error)
        return None


# Where the name leads


def _moved(scene: Scene) -> Suspicion | None:
    name, target = scene.delegation.name, scene.delegation.target
    if target in scene.wanted:
        return None
    return Suspicion(
        "cname",
        f"CNAMEs lead {name} to {target}, in the zone {scene.delegation.zone}, and the record is at "
        f"{', '.join(scene.wanted)}",
        f"mend the CNAME (dig CNAME {name} +trace), or run it again if it is meant to be as it is",
    )


def _undelegated(scene: Scene) -> Suspicion | None:
    if "." in scene.delegation.zone or scene.delegation.zone == scene.apex or scene.delegation.private:
        return None
    return Suspicion(
        "undelegated",
        f"{scene.apex} is not in the DNS: {scene.delegation.zone or 'the root'} does not delegate it",
        "see whether the domain has expired, and which name servers the registrar has for it",
    )


def _wrong_zone(scene: Scene) -> Suspicion | None:
    if scene.delegation.zone == scene.apex:
        return None
    servers = ", ".join(server.name for server in scene.delegation.servers)
    return Suspicion(
        "wrong-zone",
        f"the record was published in the zone {scene.apex}, but its name is in {scene.delegation.zone}, "
        f"which the world finds at {servers}",
        f'name the account that has {scene.delegation.zone} in [zone."{scene.delegation.zone}"], or remove '
        "the delegation",
    )


def _alias(scene: Scene) -> Suspicion | None:
    for look in scene.lacking:
        for name in scene.wanted:
            message = look.texts[name].message
            if message and (target := alias_of(message, name)):
                return Suspicion(
                    "cname",
                    f"{look} has a CNAME at {name}, to {target}: no TXT record can stand beside it",
                    f"remove that CNAME, or have the account that reaches {target} publish there",
                )
    return None


# Who answers


def _intercepted(scene: Scene) -> Suspicion | None:
    if not scene.survey.intercepted:
        return None
    return Suspicion(
        "interception",
        "resolvers answer in the place of the name servers (AA=0, RA=1): something on the way intercepts "
        "port 53",
        "have the firewall or router let port 53 through to the name servers as it is",
    )


def _nobody(scene: Scene) -> Suspicion | None:
    if not all(look.silent for look in scene.survey.looks):
        return None
    where = listed(scene.survey.looks) or "they have no address"
    return Suspicion(
        "silence",
        f"none of the name servers of {scene.survey.apex} answers, over UDP or TCP ({where}): they are "
        "down, or a firewall is in between",
        f"see from elsewhere whether they answer: dig SOA {scene.survey.apex} +norec"
        + (f" @{scene.survey.looks[0].address.ip}" if scene.survey.looks else ""),
    )


def _udp_blocked(scene: Scene) -> Suspicion | None:
    if any(look.udp for look in scene.survey.looks):
        return None
    return Suspicion(
        "udp-blocked",
        "the name servers answer over TCP and none of them over UDP, which is blocked on the way",
        "let UDP port 53 out of this machine, and its answers in",
    )


# Copies that are not what they should be


def _child(scene: Scene) -> Suspicion | None:
    """A zone of its own beneath, or a delegation, that only some of the servers have."""
    found = [(look, child) for look in scene.survey.looks if (child := _child_at(scene, look))]
    if not found or len(found) == len(scene.survey.looks):
        return None
    (_, child), *_ = found
    looks = [look for look, _ in found]
    return Suspicion(
        "child-zone",
        f"{listed(looks)} has {child} as a zone of its own, or delegates it, and the other servers of "
        f"{scene.survey.apex} do not: the record is not in it",
        f"remove the zone {child}, or its NS records, at {', '.join(look.host for look in looks)}",
    )


def _child_at(scene: Scene, look: Look) -> str:
    for name in scene.wanted:
        message = look.texts[name].message
        if message is None:
            continue
        if (referral := referral_to(message, scene.survey.apex, name)) is not None:
            return text(referral.name)
        apex = apex_of(message)
        if (
            look.texts[name].authoritative
            and apex != scene.survey.apex
            and is_within(apex, scene.survey.apex)
        ):
            return apex
    return ""


def _foreign(scene: Scene) -> Suspicion | None:
    """Servers of the delegation that have another zone of that name, or none and the one above."""
    lacking = {look.address for look in scene.lacking}
    source = next((look for look in (*scene.primaries, *scene.having) if scene.has(look)), None)
    reference = copy_at(source) if source else None
    faults = server_faults(scene.survey, reference)
    others = {
        look.address for fault in faults if fault.kind in ("foreign", "primary") for look in fault.looks
    }
    if source in scene.primaries and others >= {look.address for look in scene.survey.looks}:
        return None  # it is the account that is elsewhere
    for fault in faults:
        if not any(look.address in lacking for look in fault.looks):
            continue
        copy = copy_at(fault.looks[0])
        where = "" if scene.delegation.private else ", at the registrar"
        drop = f"take {fault.host} out of the name servers of {scene.survey.apex}{where}"
        if fault.kind in ("foreign", "primary"):
            if scene.accounts > 1:
                continue  # each account's servers have a copy of their own
            return Suspicion(
                "foreign-copy",
                f"{listed(fault.looks)} has another zone {scene.survey.apex} than who took the record: "
                f"its primary is {copy.mname}, its name servers are {', '.join(sorted(copy.hosts))} "
                "(parked by the registrar, or an old hoster's)",
                drop,
            )
        if fault.kind == "parent":
            return Suspicion(
                "parent-answers",
                f"{listed(fault.looks)} has no zone {scene.survey.apex}, and answers from the zone above it",
                f"add the zone there, or {drop}",
            )
        if fault.kind == "ahead":
            return Suspicion(
                "serial-went-back",
                f"the serial of {scene.survey.apex} went back at its primary: {_serials(fault.looks)} is "
                "greater, and fetches nothing",
                f"raise the serial at the primary above theirs, or: rndc retransfer {scene.survey.apex}",
            )
    return None


def _view(scene: Scene) -> Suspicion | None:
    """The very server that took the record shows it to its key alone."""
    strange = [look for look in scene.lacking if look.address in scene.updated]
    if not strange:
        return None
    return Suspicion(
        "account-view",
        f"{listed(strange)} took the record, and does not show it to the world: it has views, and the "
        "account's key leads into another one than the world sees",
        "use a key that leads into the view that the world sees (match-clients in named.conf); if it does, "
        'and this machine alone is in another view, set readiness = "resolvers" (DNS01_READINESS)',
    )


# Who has it, where some or all have not


def _behind_primary(scene: Scene) -> Suspicion | None:
    """A primary that is not public has it: it is ahead of the others, or has another view."""
    source = next((look for look in scene.primaries if scene.has(look)), None)
    if not scene.lacking or source is None or source.serial is None:
        return None
    related = [look for look in scene.lacking if copy_at(look).hosts & copy_at(source).hosts]
    if scene.accounts > 1:  # whose servers have the same NS records, and an SOA of their own
        related = [look for look in related if copy_at(look).mname == copy_at(source).mname]
    late = [look for look in related if Serial(look.serial or 0) < Serial(source.serial)]
    if not late and scene.accounts > 1:
        return None
    if late:
        return Suspicion(
            "hidden-primary",
            f"the primary {source} has it, with serial {source.serial}, and the secondaries have not fetched "
            f"it: {_serials(late)}",
            "have the primary notify them (also-notify), and see in their logs whether the transfer works",
        )
    moved = "" if scene.delegation.private else "; or have the registrar delegate to the servers of this one"
    return Suspicion(
        "split-horizon",
        f"{source} took the record, but the name servers that the world asks have another copy of "
        f"{scene.survey.apex} (it has moved, or is parked; another view): its serial is "
        f"{source.serial}, theirs {_serials(scene.lacking)}",
        f"publish where the world looks, by another account, server or TSIG key{moved}",
    )


def _stale(scene: Scene) -> Suspicion | None:
    late = [look for look in scene.lacking if look.address in {each.address for each in scene.survey.behind}]
    newest = scene.survey.newest
    if not late or newest is None:
        return None
    return Suspicion(
        "stale-secondary",
        f"{', '.join(dict.fromkeys(look.host for look in late))} has an old copy of {scene.survey.apex}: "
        f"{_serials(late)}, {newest} serial {newest.serial}",
        "see in its log why the zone transfer from the primary fails, and that the primary notifies it",
    )


def _inside(scene: Scene) -> Suspicion | None:
    inner = [look for look in scene.survey.looks if _is_private(look.address.ip)]
    if scene.mute or not inner or len(inner) < len(scene.survey.looks):
        return None
    return Suspicion(
        "split-horizon",
        f"from here the name servers are at private addresses ({listed(inner)}): the world sees others",
        "ask a resolver that sees what the world sees: DNS01_RESOLVERS=9.9.9.9, for example",
    )


def _slow(scene: Scene) -> Suspicion | None:
    if not scene.lacking:
        return None
    servers = ", ".join(dict.fromkeys(look.host for look in scene.lacking))
    if scene.having:
        return Suspicion(
            "not-yet",
            f"it is on its way: {listed(scene.having)} has it, {servers} not yet",
            "raise timeout (DNS01_TIMEOUT) if that is how long it takes",
        )
    return Suspicion(
        "not-yet",
        f"the provider took the record, but none of {servers} has it yet: it is slow, or the zone "
        f"{scene.apex} in the account is not the one that these servers have",
        "see whether the account's zone names these servers (a domain that has moved leaves a copy behind); "
        "if so, raise timeout (DNS01_TIMEOUT)",
    )


# Who has it all


def _bogus(scene: Scene) -> Suspicion | None:
    for fault in validate(scene.survey):
        if isinstance(fault, Bogus):
            return Suspicion("dnssec-bogus", fault.message, fault.remedy[0])
    return None


def _lame(scene: Scene) -> Suspicion | None:
    lame = [look for look in scene.mute if not look.silent]
    if not lame:
        return None
    said = ", ".join(f"{look} says {look.heard.words}" for look in lame)
    if all(look.heard.message and look.heard.message.rcode() == dns.rcode.SERVFAIL for look in lame):
        return Suspicion(
            "server-fails",
            f"a name server has no usable copy of {scene.survey.apex}, and a CA may ask that one: {said}; it "
            "is a secondary whose copy has expired or never came, or its zone file does not load",
            "see in its log why the zone transfer from the primary fails, and mend that: rndc retransfer "
            f"{scene.survey.apex} (BIND), knotc zone-retransfer {scene.survey.apex} (Knot)",
        )
    return Suspicion(
        "lame-server",
        f"a name server of {scene.survey.apex} does not serve it, and a CA may ask that one: {said}",
        "have it serve the zone, or remove it from the NS records, at the parent and in the zone",
    )


def _silent(scene: Scene) -> Suspicion | None:
    if not scene.mute:
        return None
    return Suspicion(
        "silent-server",
        f"a name server of {scene.survey.apex} does not answer, and a CA may ask that one: "
        f"{listed(scene.mute)}",
        "bring it back, or remove it from the NS records, at the parent and in the zone",
    )


def _remembered(scene: Scene) -> Suspicion:
    newest = scene.survey.newest
    soa = newest.heard.message.answer[0] if newest and newest.authority and newest.heard.message else None
    kept = negative_ttl(soa) if soa else 0
    return Suspicion(
        "remembered",
        "every name server has it now: it came too late, or who asked before remembers that it was not there",
        f"try again in two minutes (a CA remembers for one at most, other resolvers for {kept} s); if it "
        "happens again, raise timeout (DNS01_TIMEOUT)",
    )


SUSPECTS: tuple[Callable[[Scene], Suspicion | None], ...] = (
    _moved,
    _intercepted,
    _nobody,
    _udp_blocked,
    _undelegated,
    _wrong_zone,
    _alias,
    _child,
    _view,
    _foreign,
    _behind_primary,
    _inside,
    _stale,
    _slow,
    _bogus,
    _lame,
    _silent,
    _remembered,
)


def _serials(looks: Iterable[Look]) -> str:
    return ", ".join(f"{look} serial {look.serial}" for look in looks)


def _is_private(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    return address.is_private and not address.is_loopback
