"""The addresses of name servers: those that the parent gives out (glue) against the zone's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from .....dns.address import Address, reachable
from .....dns.inspect.faults import SPEAKS, ServerFault
from .....dns.inspect.zone_survey import ZoneSurvey
from ...finding import Finding, Severity
from ...wording import address_type, in_order
from ..subjects.account_copy import AccountCopy
from .out_of_reach import is_out_of_reach, private, unrouted

_IP = re.compile(r"[0-9a-f.:]*[.:][0-9a-f.:]+")


def findings(
    survey: ZoneSurvey,
    faults: Iterable[ServerFault],
    root: Collection[str],
    account: AccountCopy | None = None,
) -> Iterator[Finding]:
    """What is wrong with the addresses themselves. ``account``: what is to be seen there."""
    sick = {each.address: fault for fault in faults for each in fault.answers}
    known = {host: {*survey.glue.get(host, ()), *survey.own.get(host, ())} for host in _hosts(survey)}
    hidden = {host: _hidden(addresses, root) for host, addresses in known.items()}
    hidden = {host: addresses for host, addresses in hidden.items() if addresses}
    if hidden:
        yield _private(survey, hidden, known)
    different: list[Finding] = []
    for host in known:
        glue, own = frozenset(survey.glue.get(host, ())), frozenset(survey.own.get(host, ()))
        if host in hidden:
            continue
        if glue and own and glue != own:
            different += _differ(survey, host, glue, own, sick)
        elif account:
            different += _moved(survey, host, glue | own, sick, account)
    yield from _together(different)
    asked = any(server.addresses for server in survey.servers)
    unasked = {
        server.name: sorted(known[server.name])
        for server in survey.servers
        if server.name in known and server.name not in hidden and not server.addresses
    }
    yield from unrouted(survey.apex, unasked, Severity.NOTE if asked else Severity.WARNING)


def _together(found: Iterable[Finding]) -> Iterator[Finding]:
    """Servers that differ in the same way, and whose addresses are changed in the same place, in one."""
    groups: dict[object, list[Finding]] = {}
    for finding in found:
        groups.setdefault((finding.severity, finding.remedy[0].partition(",")[0]), []).append(finding)
    for first, *others in groups.values():
        if others:
            hosts = ", ".join(each.subject for each in (first, *others))
            first = first._replace(
                subject=hosts,
                message=f"{first.message}; it is the same with {', '.join(each.subject for each in others)}",
                remedy=("\n".join(each.remedy[0] for each in (first, *others)), *first.remedy[1:]),
                details=tuple(each.message for each in others),
            )
        yield first


def _hosts(survey: ZoneSurvey) -> Iterable[str]:
    return dict.fromkeys((*survey.glue, *survey.own))


def _hidden(addresses: Iterable[Address], root: Collection[str]) -> list[Address]:
    return sorted(address for address in addresses if is_out_of_reach(address.ip, root))


def mentioned(finding: Finding) -> Iterator[str]:
    """The addresses that a finding has explained."""
    if finding.code in ("glue-differs", "glue-stale", "private-address", "child-address"):
        yield from _IP.findall("\n".join((finding.message, *finding.details)))


def explains(found: Iterable[Finding], fault: ServerFault) -> bool:
    """Whether the findings about addresses say all that there is to say of a server's fault; one that speaks
    from an inside address is waited for, whoever cannot reach it."""
    explained = {
        ip
        for finding in found
        if not (finding.code == "private-address" and fault.kind in SPEAKS)
        for ip in mentioned(finding)
    }
    return {server.address.ip for server in fault.answers} <= explained


def _private(
    survey: ZoneSurvey, hidden: Mapping[str, Sequence[Address]], known: Mapping[str, Collection[Address]]
) -> Finding:
    """Resolvers take another server, as long as there are enough of them (docs/readiness.rst)."""
    public = sum(1 for host in known if len(hidden.get(host, ())) < len(known[host]))
    glue, own = (
        any({*addresses} & {*place.get(host, ())} for host, addresses in hidden.items())
        for place in (survey.glue, survey.own)
    )
    places = [*(["at the registrar (glue)"] if glue else []), *(["in its own zone"] if own else [])]
    severity = Severity.ERROR if not public or 2 * public < len(known) else Severity.WARNING
    enough = all(len(addresses) < len(known[host]) for host, addresses in hidden.items())
    return private(survey.apex, hidden, places, severity, enough=enough)


def _differ(
    survey: ZoneSurvey,
    host: str,
    glue: Collection[Address],
    own: Collection[Address],
    sick: dict[Address, ServerFault],
) -> Iterator[Finding]:
    """Whichever of the two does not work is the one to change."""
    only_glue = sorted(address for address in glue if address not in own)
    only_own = sorted(address for address in own if address not in glue)
    wrong_glue = [address for address in only_glue if address in sick]
    wrong_own = [address for address in only_own if address in sick]
    stated = f"the parent of {survey.apex} has {in_order(glue)} for {host}, the zone itself {in_order(own)}"
    if wrong_glue and own:
        yield Finding(
            "glue-differs",
            _severity(sick, wrong_glue),
            host,
            f"{stated}; {in_order(wrong_glue)} {_state(sick, wrong_glue)}",
            (
                f"at the registrar, change the address (glue, host object) of {host} to: {in_order(own)}",
                f"see what the parent says: dig +norec NS {survey.apex} +trace +additional",
            ),
        )
    elif wrong_own:
        records = ", ".join(f"{host}. {address_type(address.ip)} {address.ip}" for address in sorted(glue))
        yield Finding(
            "glue-differs",
            _severity(sick, wrong_own),
            host,
            f"{stated}; {in_order(wrong_own)} {_state(sick, wrong_own)}",
            (f"in the zone, change the address of {host} to what the parent has: {records}",),
        )
    elif (unseen := [address for address in only_glue if not reachable(address)]) and not {*own} & {*sick}:
        yield Finding(
            "glue-differs",
            Severity.WARNING,
            host,
            f"{stated}; this machine has no way to {in_order(unseen)}, and cannot tell whether it is dead",
            (
                f"at the registrar, change the address (glue, host object) of {host} to: {in_order(own)}",
                f"or, if {in_order(unseen)} serves {survey.apex}, write it into the zone: "
                + "; ".join(f"{host}. {address_type(each.ip)} {each.ip}" for each in unseen),
            ),
        )


def _moved(
    survey: ZoneSurvey,
    host: str,
    known: Collection[Address],
    sick: Mapping[Address, ServerFault],
    account: AccountCopy,
) -> Iterator[Finding]:
    """Where the world is led to a machine with an old copy, which knows itself alone by that name."""
    right = account.apex.addresses.get(host, ())
    old = [address for address in sorted(known) if address in sick and sick[address].kind in SPEAKS]
    if right and old and len(old) == len(known) and not set(right) & {address.ip for address in old}:
        ips = [address.ip for address in old]
        found = glue_to_change(survey.apex, host, ips, "there is an old copy", account)
        change, *more = found.remedy
        moved = f"or, if {survey.apex} has moved to {', '.join(ips)}, use an account there"
        yield found._replace(remedy=(change, moved, *more))


def glue_to_change(apex: str, host: str, wrong: Sequence[str], state: str, account: AccountCopy) -> Finding:
    """The account's own copy has other addresses for a name server than the parent. ``state``: what is at
    the parent's."""
    right = ", ".join(account.apex.addresses[host])
    return Finding(
        "glue-differs",
        Severity.ERROR,
        host,
        f"the parent of {apex} has {', '.join(wrong)} for {host}, where {state}; {account.label} has {right}",
        (
            f"at the registrar, change the address (glue, host object) of {host} to: {right}",
            f"see what the parent says: dig +norec NS {apex} +trace +additional",
        ),
    )


def _severity(sick: dict[Address, ServerFault], addresses: Iterable[Address]) -> Severity:
    """A server that speaks is waited for; one that does not costs others their time."""
    speaks = any(sick[address].kind in SPEAKS for address in addresses)
    return Severity.ERROR if speaks else Severity.WARNING


def _state(sick: dict[Address, ServerFault], addresses: Sequence[Address]) -> str:
    kinds = {sick[address].kind for address in addresses}
    if kinds & {"stale", "foreign", "primary", "ahead"}:
        return "has an old copy"
    return "does not answer" if kinds == {"silent"} else "does not serve the zone"
