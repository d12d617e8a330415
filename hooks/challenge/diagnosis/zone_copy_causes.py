"""Causes about the servers' copies of the zone: late ones, another one's, and zones beneath."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from dns.serial import Serial

from ....names import is_within
from ...dns.inspect.faults import copy_at, listed, retransfer, server_faults
from ...dns.inspect.server_answers import ServerAnswers
from ...dns.message import apex_of, referral_to, text
from .cause import Cause
from .evidence import Evidence


def child_zone(evidence: Evidence) -> Cause | None:
    """A zone of its own beneath, or a delegation, that only some of the servers have."""
    found = [(server, child) for server in evidence.survey.answers if (child := _child_at(evidence, server))]
    if not found or len(found) == len(evidence.survey.answers):
        return None
    (_, child), *_ = found
    servers = [server for server, _ in found]
    return Cause(
        "child-zone",
        f"{listed(servers)} has {child} as a zone of its own, or delegates it, and the other servers of "
        f"{evidence.survey.apex} do not: the record is not in it",
        f"remove the zone {child}, or its NS records, at {', '.join(server.host for server in servers)}",
    )


def _child_at(evidence: Evidence, server: ServerAnswers) -> str:
    for name in evidence.wanted:
        message = server.texts[name].message
        if message is None:
            continue
        if (referral := referral_to(message, evidence.survey.apex, name)) is not None:
            return text(referral.name)
        apex = apex_of(message)
        if (
            server.texts[name].authoritative
            and apex != evidence.survey.apex
            and is_within(apex, evidence.survey.apex)
        ):
            return apex
    return ""


def foreign_copy(evidence: Evidence) -> Cause | None:
    """Servers of the delegation that have another zone of that name, or none and the one above."""
    lacking = {server.address for server in evidence.lacking}
    source = next(
        (server for server in (*evidence.primaries, *evidence.having) if evidence.has(server)),
        None,
    )
    reference = copy_at(source) if source else None
    faults = server_faults(evidence.survey, reference)
    others = {
        server.address for fault in faults if fault.kind in ("foreign", "primary") for server in fault.answers
    }
    if source in evidence.primaries and others >= {server.address for server in evidence.survey.answers}:
        return None  # it is the account that is elsewhere
    for fault in faults:
        if not any(server.address in lacking for server in fault.answers):
            continue
        copy = copy_at(fault.answers[0])
        where = "" if evidence.delegation.private else ", at the registrar"
        drop = f"take {fault.host} out of the name servers of {evidence.survey.apex}{where}"
        if fault.kind in ("foreign", "primary"):
            if evidence.accounts > 1:
                continue  # each account's servers have a copy of their own
            return Cause(
                "foreign-copy",
                f"{listed(fault.answers)} has another zone {evidence.survey.apex} than who took the record: "
                f"its primary is {copy.mname}, its name servers are {', '.join(sorted(copy.hosts))} "
                "(parked by the registrar, or an old hoster's)",
                drop,
            )
        if fault.kind == "parent":
            return Cause(
                "parent-answers",
                f"{listed(fault.answers)} has no zone {evidence.survey.apex}, and answers from the zone "
                "above it",
                f"add the zone there, or {drop}",
            )
        if fault.kind == "parked":
            return Cause(
                "zone-parked",
                f"{listed(fault.answers)} has no zone {evidence.survey.apex}, and answers with authority all "
                "the same: a parked domain, as one whose registration has run out, or a load balancer",
                f"renew the registration if it has run out (whois {evidence.survey.apex}), or {drop}",
            )
        if fault.kind == "ahead":
            return Cause(
                "serial-went-back",
                f"the serial of {evidence.survey.apex} went back at its primary: {_serials(fault.answers)} "
                "is greater, and fetches nothing",
                f"raise the serial at the primary above theirs, or: {retransfer(evidence.survey.apex)}",
            )
    return None


def removed(evidence: Evidence) -> Cause | None:
    """Whoever took the record, or everybody, had it and has it no more."""
    if not evidence.was_ready or not evidence.lacking:
        return None
    at_source = [server for server in evidence.lacking if server.address in evidence.updated]
    if not at_source and (evidence.having or any(map(evidence.has, evidence.primaries))):
        return None
    names, apex = ", ".join(evidence.wanted), evidence.survey.apex
    return Cause(
        "removed",
        f"{names} was at every name server when the hook was done, and is no longer at "
        f"{listed(at_source or evidence.lacking)}: something else has removed it, such as another client for "
        f"the same name, or what loads the zone {apex} anew",
        f"see in the log of the name server, or of the provider, who has changed {apex} in the last minutes, "
        "and order again when that is done",
    )


def account_view(evidence: Evidence) -> Cause | None:
    """The very server that took the record shows it to its key alone."""
    strange = [server for server in evidence.lacking if server.address in evidence.updated]
    if not strange:
        return None
    return Cause(
        "account-view",
        f"{listed(strange)} took the record, and does not show it to the world: it has views, and the "
        "account's key leads into another one than the world sees",
        "use a key that leads into the view that the world sees (match-clients in named.conf); if it does, "
        'and this machine alone is in another view, set readiness = "resolvers" (DNS01_READINESS); or see '
        "whether a filter before it denies names that begin with an underscore",
    )


def behind_primary(evidence: Evidence) -> Cause | None:
    """A primary that is not public has it: it is ahead of the others, or has another view."""
    source = next((server for server in evidence.primaries if evidence.has(server)), None)
    if not evidence.lacking or source is None or source.serial is None:
        return None
    related = [server for server in evidence.lacking if copy_at(server).hosts & copy_at(source).hosts]
    if evidence.accounts > 1:  # whose servers have the same NS records, and an SOA of their own
        related = [server for server in related if copy_at(server).mname == copy_at(source).mname]
    late = [server for server in related if Serial(server.serial or 0) < Serial(source.serial)]
    if not late and evidence.accounts > 1:
        return None
    if late:
        return Cause(
            "hidden-primary",
            f"the primary {source} has it, with serial {source.serial}, and the secondaries have not fetched "
            f"it: {_serials(late)}",
            "have the primary notify them (also-notify), and see in their logs whether the transfer works",
        )
    moved = (
        "" if evidence.delegation.private else "; or have the registrar delegate to the servers of this one"
    )
    return Cause(
        "split-horizon",
        f"{source} took the record, but the name servers that the world asks have another copy of "
        f"{evidence.survey.apex} (it has moved, or is parked; another view): its serial is "
        f"{source.serial}, theirs {_serials(evidence.lacking)}",
        f"publish where the world looks, by another account, server or TSIG key{moved}",
    )


def stale_secondary(evidence: Evidence) -> Cause | None:
    """A secondary's serial stays below that of another copy."""
    late = [
        server
        for server in evidence.lacking
        if server.address in {each.address for each in evidence.survey.behind}
    ]
    newest = evidence.survey.newest
    if not late or newest is None:
        return None
    return Cause(
        "stale-secondary",
        f"{', '.join(dict.fromkeys(server.host for server in late))} has an old copy of "
        f"{evidence.survey.apex}: {_serials(late)}, {newest} serial {newest.serial}",
        "see in its log why the zone transfer from the primary fails, and that the primary notifies it",
    )


def private_addresses(evidence: Evidence) -> Cause | None:
    """The name servers are at addresses that only this network has."""
    inner = [server for server in evidence.survey.answers if _is_private(server.address.ip)]
    if evidence.unauthoritative or not inner or len(inner) < len(evidence.survey.answers):
        return None
    return Cause(
        "split-horizon",
        f"from here the name servers are at private addresses ({listed(inner)}): the world sees others",
        "ask a resolver that sees what the world sees: DNS01_RESOLVERS=9.9.9.9, for example",
    )


def not_yet(evidence: Evidence) -> Cause | None:
    """The servers that lack it have shown nothing else that is wrong."""
    if not evidence.lacking:
        return None
    servers = ", ".join(dict.fromkeys(server.host for server in evidence.lacking))
    if evidence.having:
        return Cause(
            "not-yet",
            f"it is on its way: {listed(evidence.having)} has it, {servers} not yet",
            "raise timeout (DNS01_TIMEOUT) if that is how long it takes",
        )
    return Cause(
        "not-yet",
        f"the provider took the record, but none of {servers} has it yet: it is slow, or the zone "
        f"{evidence.apex} in the account is not the one that these servers have",
        "see whether the account's zone names these servers (a domain that has moved leaves a copy behind, "
        "and the id in a [zone] section may be another zone's); if so, raise timeout (DNS01_TIMEOUT)",
    )


def _serials(servers: Iterable[ServerAnswers]) -> str:
    return ", ".join(f"{server} serial {server.serial}" for server in servers)


def _is_private(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    return address.is_private and not address.is_loopback
