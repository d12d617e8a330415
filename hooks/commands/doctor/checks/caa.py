"""CAA: may the CA issue for the domain, and what to write into the zone if it may not."""

from __future__ import annotations

from collections.abc import Iterator

from .....errors import DelegationError
from ....caa.evaluation import Verdict
from ....caa.evaluation import check as judge
from ....caa.issuers import Order, authority, of_certbot, of_dehydrated
from ....caa.preflight import Lookups
from ....clients import dehydrated
from ..finding import Examined, Finding, Severity
from . import _certbot


def check(examined: Examined) -> Iterator[Finding]:
    """What the CAA records say of the domain; where it is a wildcard, of its base as well, which
    most certificates have beside it."""
    if examined.settings.nameservers_for(examined.name):  # the world's CAA is not what they have
        return
    ca = authority(examined.settings.ca, examined.settings.ca_account, _order(examined))
    base = examined.domain.removeprefix("*.")
    lookups = Lookups(examined.discovery, [base])
    verdict = judge(examined.domain, ca, lookups)
    if verdict.cause == "servfail" and not _is_served(examined, base):
        return  # which the checks of the delegation and the views say
    if verdict.outcome != "allowed":
        yield _finding(verdict, _DOUBTS.get((verdict.outcome, verdict.cause), Severity.ERROR))
    if base != examined.domain:
        beside = judge(base, ca, lookups)
        if beside.outcome == "forbidden" and beside.reason != verdict.reason:
            yield _finding(beside, Severity.NOTE)


def _is_served(examined: Examined, domain: str) -> bool:
    """Whether the servers of its zone can be asked at all."""
    try:
        examined.discovery.cut(domain)
    except DelegationError:
        return False
    return True


_DOUBTS = {("unknown", "unknown-ca"): Severity.NOTE, ("unknown", "account"): Severity.WARNING}


def _finding(verdict: Verdict, severity: Severity) -> Finding:
    return Finding(f"caa-{verdict.cause}", severity, verdict.identifier, verdict.reason, verdict.remedy)


def _order(examined: Examined) -> Order:
    """What the client that is set up for the domain says: certbot's renewal file, or dehydrated."""
    for _, lineage in _certbot.lineages(examined):
        return of_certbot(lineage, examined.root)
    config = dehydrated.read_config(examined.environ, examined.root)
    if config and any(examined.domain in names for names in dehydrated.certificates(config, examined.root)):
        return of_dehydrated(config, root=examined.root)
    return Order()
