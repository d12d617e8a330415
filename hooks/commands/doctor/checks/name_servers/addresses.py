"""The addresses of name servers: those that the parent gives out (glue) against the zone's own, and
those that the world cannot reach."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ......errors import DelegationError
from .....dns.address import Address, reachable
from .....dns.inspect.faults import SPEAKS, ServerFault
from .....dns.inspect.survey import Survey
from ...finding import Examined, Finding, Severity
from ..subjects.account_copy import AccountCopy
from ..subjects.address_scope import scope_of
from .wording import address_type

_IP = re.compile(r"[0-9a-f.:]*[.:][0-9a-f.:]+")


def of_the_root(examined: Examined) -> tuple[str, ...]:
    """The addresses of the root's servers; nothing where they are not known."""
    try:
        glue = examined.discovery.cut("").glue
    except DelegationError:
        return ()
    return tuple(address.ip for addresses in glue.values() for address in addresses)


def findings(
    survey: Survey, faults: Iterable[ServerFault], root: Iterable[str], account: AccountCopy | None = None
) -> Iterator[Finding]:
    """What is wrong with the addresses themselves. ``account``: what is to be seen there."""
    sick = {look.address: fault for fault in faults for look in fault.looks}
    for host in dict.fromkeys((*survey.glue, *survey.own)):
        glue, own = frozenset(survey.glue.get(host, ())), frozenset(survey.own.get(host, ()))
        hidden = sorted(address for address in glue | own if out_of_reach(address.ip, root))
        if hidden:
            yield _private(survey, host, hidden, glue, own)
        elif glue and own and glue != own:
            yield from _differ(survey, host, glue, own, sick)
        elif account:
            yield from _moved(survey, host, glue | own, sick, account)
    yield from _unasked(survey)


def out_of_reach(ip: str, root: Iterable[str]) -> bool:
    """Whether the world cannot reach the address; it can those that are of the root's own kind."""
    scope = scope_of(ip)
    kinds = {scope_of(each) for each in root}
    if scope == "public" or not kinds:
        return False
    if scope == "host":
        return True
    return scope not in kinds and ("public" in kinds or ":" not in ip)


def mentioned(finding: Finding) -> Iterator[str]:
    """The addresses that a finding has explained."""
    if finding.code in ("glue-differs", "glue-stale", "private-address", "child-address"):
        yield from _IP.findall(finding.message)


def _private(
    survey: Survey, host: str, hidden: Sequence[Address], glue: Collection[Address], own: Collection[Address]
) -> Finding:
    """Where all of the servers are like that nobody else can ask any of them."""
    others = {address for addresses in (*survey.glue.values(), *survey.own.values()) for address in addresses}
    ips = ", ".join(address.ip for address in hidden)
    where = [
        place
        for place, known in (("at the registrar (glue)", glue), ("in its own zone", own))
        if set(hidden) & set(known)
    ]
    everybody = others <= set(hidden)
    return Finding(
        "private-address",
        Severity.ERROR if everybody or any(address in glue for address in hidden) else Severity.WARNING,
        host,
        f"the name server {host} of {survey.apex} has the address {ips}, which nobody can reach from outside",
        (
            f"give {host} its public address, {' and '.join(where)}: {host}. A ADDRESS",
            f"or take {host} out of the NS records of {survey.apex}, at the parent and in the zone",
        ),
    )


def _differ(
    survey: Survey,
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
    stated = f"the parent of {survey.apex} has {_ips(glue)} for {host}, the zone itself {_ips(own)}"
    if wrong_glue and own:
        yield Finding(
            "glue-differs",
            _severity(sick, wrong_glue),
            host,
            f"{stated}; {_ips(wrong_glue)} {_state(sick, wrong_glue)}",
            (
                f"at the registrar, change the address (glue, host object) of {host} to: {_ips(own)}",
                f"see what the parent says: dig +norec NS {survey.apex} +trace +additional",
            ),
        )
    elif wrong_own:
        records = ", ".join(f"{host}. {address_type(address.ip)} {address.ip}" for address in sorted(glue))
        yield Finding(
            "glue-differs",
            _severity(sick, wrong_own),
            host,
            f"{stated}; {_ips(wrong_own)} {_state(sick, wrong_own)}",
            (f"in the zone, change the address of {host} to what the parent has: {records}",),
        )


def _moved(
    survey: Survey,
    host: str,
    known: Collection[Address],
    sick: Mapping[Address, ServerFault],
    account: AccountCopy,
) -> Iterator[Finding]:
    """Where the world is led to a machine with an old copy, which knows itself alone by that name."""
    right = account.apex.addresses.get(host, ())
    old = [address for address in sorted(known) if address in sick and sick[address].kind in SPEAKS]
    if right and old and len(old) == len(known) and not set(right) & {address.ip for address in old}:
        yield glue_to_change(
            survey.apex, host, [address.ip for address in old], "there is an old copy", account
        )


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


def _unasked(survey: Survey) -> Iterator[Finding]:
    """Servers at addresses of a family that this machine does not have."""
    for server in survey.servers:
        known = {*survey.glue.get(server.name, ()), *survey.own.get(server.name, ())}
        asked = bool(server.addresses) or any(map(reachable, known))
        if known and not asked and all(":" in address.ip for address in known):
            yield Finding(
                "no-ipv6-here",
                Severity.NOTE if any(each.addresses for each in survey.servers) else Severity.WARNING,
                server.name,
                f"the name server {server.name} of {survey.apex} has IPv6 addresses alone ({_ips(known)}), "
                "and this machine has no IPv6: it is not asked from here",
                ("give this machine IPv6, or look from another one: in the zone there is nothing to mend",),
            )


def _ips(addresses: Iterable[Address]) -> str:
    return ", ".join(sorted(address.ip for address in addresses))
