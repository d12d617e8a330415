"""The account: is its API there, does it take the credentials, and do they reach the right zone."""

from __future__ import annotations

from collections.abc import Iterator

from .....errors import (
    AuthRejected,
    ClockSkew,
    ConfigError,
    DelegationError,
    ProviderError,
    Transient,
    ZoneNotFound,
)
from .....names import is_within
from .....providers.base import NeedsPermission, Provider, knows_zones
from ....config.settings import Account
from ....dns.delegation import Delegation
from ..finding import Examined, Finding, Severity
from .where import followed


def check(examined: Examined) -> Iterator[Finding]:
    """Whether the account can be reached and has the zone that the record belongs to.

    What is wrong with the configuration, the delegation (a CNAME to a zone of no account, a zone that
    is down) or the clock is for their own checks.
    """
    if not examined.settings.accounts:
        return
    try:
        delegation = followed(examined)
        account = examined.settings.account_for(delegation.target, examined.name)
        provider = examined.places.provider(account)
        yield from _zone(examined, delegation, account, provider)
    except (ClockSkew, ConfigError, DelegationError):
        return
    except ProviderError as error:
        if isinstance(error, ZoneNotFound) and len(delegation.chain) > 1:
            return
        permission = provider.permission if isinstance(provider, NeedsPermission) else ""
        remedy = (error.hint, f"the credentials need: {permission}" if permission else "")
        if isinstance(error, Transient):
            remedy = (error.hint, "try again: it may pass by itself")
        yield Finding(_code(error), Severity.ERROR, account.name, str(error), tuple(filter(None, remedy)))


def _code(error: ProviderError) -> str:
    match error:
        case AuthRejected():
            return "auth-rejected"
        case ZoneNotFound():
            return "token-lacks-zone"
        case Transient():
            return "provider-unreachable"
    return "provider-refuses"


def _zone(
    examined: Examined, delegation: Delegation, account: Account, provider: Provider
) -> Iterator[Finding]:
    """The account's zone has to be the one that the world is led to (READINESS, step 2)."""
    cut, target = delegation.zone, delegation.target
    told = examined.settings.nameservers_for(examined.name)
    if ("." not in cut and not told) or not knows_zones(provider):
        return
    if examined.settings.zone_id_for(cut or target):  # the configuration's word stands for the API's
        return
    zone = provider.zone_for(cut or target)
    if cut and zone.apex != cut:
        if len(delegation.chain) == 1 and not delegation.trouble:
            yield _undelegated_parent(delegation, account, zone.apex)
        return
    # Who takes any name for a zone of its own, as acme-dns does, takes this one too.
    beneath = f"dns01-doctor.{target}"
    deeper = provider.zone_for(beneath).apex
    if cut and deeper not in (cut, beneath) and is_within(deeper, cut):
        yield _undelegated_child(cut, account, deeper)


def _undelegated_parent(delegation: Delegation, account: Account, parent: str) -> Finding:
    cut = delegation.zone
    servers = ", ".join(server.name for server in delegation.servers)
    return Finding(
        "wrong-zone",
        Severity.ERROR,
        cut,
        f"{delegation.target} is in the zone {cut}, which is delegated to {servers}; the account "
        f"{account.name} only has {parent}, where nobody would look for it",
        (
            f'write [zone."{cut}"] with the account that has {cut}, then: dns01 config check',
            f"or remove the delegation: delete the NS records of {cut} in {parent}",
        ),
    )


def _undelegated_child(cut: str, account: Account, child: str) -> Finding:
    return Finding(
        "wrong-zone",
        Severity.WARNING,
        child,
        f"the account {account.name} has {child} too, which is delegated to nobody: what is published "
        f"there is never seen; dns01 publishes in {cut}",
        (
            f"delete the zone {child} at the provider, if nothing else needs it",
            f"or delegate it: in {cut}, write  {child}. NS  with the servers that the provider gives it",
        ),
    )
