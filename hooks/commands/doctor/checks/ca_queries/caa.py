"""CAA: may the CA issue for the domain, and what to write into the zone if it may not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

from ......errors import DelegationError
from ......names import is_within
from .....caa.evaluation import Verdict
from .....caa.evaluation import check as judge
from .....caa.issuers import AcmeAccount, Issuer, issuer_of
from .....caa.preflight import Lookups, is_binding
from .....dns.cname_chain import Discovery
from .....dns.inspect.refused_for_now import PAUSES
from ...finding import Examined, Finding, Severity
from ..subjects.ca import order_of, own_account
from .caa_copies import differing

AT_ONCE = 2.0  # seconds within which who answers, if only to refuse, has answered
CAA_QUERY_TIMEOUT = 6.0  # seconds: a question is given up after 5, and tells then whose answer is lacking


def check(examined: Examined) -> Iterator[Finding]:
    """What the CAA records say of the domain; where it is a wildcard, of its base as well, which
    most certificates have beside it."""
    began = time.monotonic()
    world = examined.discovery
    if examined.settings.nameservers_for(examined.name):
        (world,) = examined.places.names_by_discovery([examined.name])
        with suppress(DelegationError):  # which is said of the servers
            world.find(examined.name)  # what is above its zone need not be there
    order = order_of(examined)
    ca = issuer_of(examined.settings.ca, examined.settings.ca_account, order)
    base = examined.domain.removeprefix("*.")
    lookups = Lookups(world, [base], CAA_QUERY_TIMEOUT)
    if one_sided := list(differing(examined, ca, lookups)):
        yield from one_sided
        return
    verdict = judge(examined.domain, ca, lookups)
    if verdict.cause == "servfail" and time.monotonic() - began < AT_ONCE:
        time.sleep(PAUSES[0])  # a server may refuse what is above a rate
        lookups = Lookups(world, [base], CAA_QUERY_TIMEOUT)
        verdict = judge(examined.domain, ca, lookups)
    if (verdict.outcome, verdict.cause) == ("unknown", "account") and (account := own_account(examined, ca)):
        theirs = judge(examined.domain, ca._replace(account=account), lookups)
        verdict = theirs if theirs.outcome == "allowed" else verdict  # another client may be who orders
    if verdict.cause == "servfail" and not _is_served(world, base):
        return  # which the checks of the delegation and the views say
    if verdict.outcome == "forbidden":
        verdict = _in_the_own_zone(world, base, ca, verdict)
    if verdict.outcome != "allowed":
        severity = _DOUBTS.get((verdict.outcome, verdict.cause), Severity.ERROR)
        yield _finding(verdict, severity if is_binding(ca, world) else min(severity, Severity.WARNING))
    if verdict.outcome == "allowed":
        yield from _of_the_client(examined, ca, order, lookups)
    if base != examined.domain:
        beside = judge(base, ca, lookups)
        if beside.outcome == "forbidden" and beside.reason != verdict.reason:
            yield _finding(beside, Severity.NOTE)


def _of_the_client(examined: Examined, ca: Issuer, order: AcmeAccount, lookups: Lookups) -> Iterator[Finding]:
    """The CA that the client orders from, where another is configured here and may issue."""
    theirs = issuer_of("", "", order)
    if not theirs.names or theirs.names == ca.names:
        return
    verdict = judge(examined.domain, theirs, lookups)
    if verdict.outcome == "forbidden":
        words = f"{verdict.reason}; the client orders from {order.directory}, whatever `ca` says here"
        steps = (*verdict.remedy, f"or have the client order from {examined.settings.ca}")
        yield _finding(verdict, Severity.ERROR)._replace(message=words, remedy=steps)


def _in_the_own_zone(world: Discovery, base: str, ca: Issuer, verdict: Verdict) -> Verdict:
    """What forbids it may stand in a zone above the domain's, which somebody else may have. The closest
    records decide (RFC 8659 §3): those at the domain's own apex end the climb before that one."""
    try:
        apex = world.cut(base).apex
    except DelegationError:
        return verdict
    owner = verdict.owner
    if apex == owner or not is_within(apex, owner) or not ca.names:
        return verdict
    own = (
        f'add this record in {apex}, which ends the climb before {owner}: {apex}. CAA 0 issue "{ca.names[0]}"'
    )
    theirs = [f"or, in {owner}: {step}" for step in verdict.remedy]
    return verdict._replace(remedy=(own, *theirs))


def _is_served(world: Discovery, domain: str) -> bool:
    """Whether the servers of its zone can be asked at all."""
    try:
        world.cut(domain)
    except DelegationError:
        return False
    return True


# What only the configuration could tell. Of a CA that nobody names nothing says that an order would fail;
# records that shut out all accounts but their own do.
_DOUBTS = {("unknown", "unknown-ca"): Severity.NOTE, ("unknown", "account"): Severity.WARNING}


def _finding(verdict: Verdict, severity: Severity) -> Finding:
    return Finding(f"caa-{verdict.cause}", severity, verdict.identifier, verdict.reason, verdict.remedy)
