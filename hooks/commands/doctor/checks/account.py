"""The account: is its API there, does it take the credentials, and do they reach the right zone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from .....deadline import within
from .....errors import (
    AuthRejected,
    ClockSkew,
    ConfigError,
    DelegationError,
    HookError,
    ProviderError,
    Transient,
    ZoneNotFound,
    ZoneUnserved,
)
from .....names import PREFIX
from .....providers import load as load_provider
from .....providers.base import (
    NeedsAlias,
    NeedsPermission,
    Provider,
    is_within,
    knows_zones,
)
from .....threads import in_background
from ....challenge.placement import not_led_here
from ....config.settings import Account
from ....dns.destination import Destination
from ..finding import Examined, Finding, Severity
from .other_accounts import at_another
from .subjects.acme_dns_server import left_behind
from .subjects.ca import is_of_ones_own
from .subjects.credentials import place_of
from .subjects.destination import followed
from .updates import rehearsed

WITHIN = 5.5  # seconds for the account: a check has eight
LAST_TRY = 4.5  # seconds after which nothing is tried again, so that the reason is known in time


def check(examined: Examined) -> Iterator[Finding]:
    """Whether each account can be reached and has the zone that the record belongs to.

    What is wrong with the configuration, the delegation (a CNAME to a zone of no account, a zone that
    is down) or the clock is for their own checks.
    """
    if not examined.settings.accounts:
        return
    try:
        delegation = followed(examined)
        accounts = examined.settings.accounts_for(delegation.target, examined.name)
    except (ConfigError, DelegationError):
        return
    until = time.monotonic() + WITHIN
    looking = {
        account.name: in_background(partial(_looked, examined, delegation, account)) for account in accounts
    }
    for account in accounts:
        yield from _account(examined, delegation, account, looking[account.name], until)


def _looked(examined: Examined, delegation: Destination, account: Account) -> list[Finding]:
    with within(LAST_TRY):
        try:
            return list(_zone(examined, delegation, account, examined.places.accounts.provider(account)))
        except ZoneNotFound as error:
            if found := at_another(examined, delegation, account, error):
                return [found]
            raise


def _account(
    examined: Examined, delegation: Destination, account: Account, looked: Future[list[Finding]], until: float
) -> Iterator[Finding]:
    try:
        yield from looked.result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        yield _slow(account)
    except (ClockSkew, DelegationError):
        return
    except ConfigError as error:
        with suppress(ConfigError):  # which the check of the configuration says
            examined.places.accounts.provider(account)
            steps = (*_odd_letters(examined, account), error.hint)
            yield Finding("bad-configuration", Severity.ERROR, account.name, str(error), steps)
    except ZoneNotFound as error:
        provider = examined.places.accounts.provider(account)
        if len(delegation.chain) > 1 or _is_seen_inside(examined):
            return
        if lacking := _without_zone(delegation, account, provider, error):
            yield lacking
    except ProviderError as error:
        provider = examined.places.accounts.provider(account)
        yield _refusal(account, provider, error, delegation.target)


def _odd_letters(examined: Examined, account: Account) -> Iterator[str]:
    """Which letters of which secret no header of HTTP can carry; many of them nobody sees."""
    for option in load_provider(account.provider).options:
        if option.secret and (
            odd := sorted(set(re.findall(r"[^\x20-\x7e]", account.options.get(option.key, ""))))
        ):
            place = place_of(examined.settings, examined.environ, account, option)
            yield f"write {place.name} again: it has {', '.join(f'U+{ord(each):04X}' for each in odd)} in it"


def _slow(account: Account) -> Finding:
    """What cannot be told in time cannot be told in an order either, before it gives up."""
    where = account.options.get("nameserver") or account.options.get("base_url") or account.provider
    return Finding(
        "provider-unreachable",
        Severity.ERROR,
        account.name,
        f"the account {account.name} ({account.provider}) is waited for: {where} takes the question, or lets "
        f"it vanish, and has not answered after {WITHIN:.0f} s",
        (
            f"see whether {where} is up, and whether a firewall on the way drops what is sent to it",
            "then look again: it may pass by itself",
        ),
    )


def _without_zone(
    delegation: Destination, account: Account, provider: Provider, error: ZoneNotFound
) -> Finding | None:
    """A zone above it that the account has is the wrong one: the child is somebody else's. So is one beneath
    it that nobody is led to. Of a child that is down, the delegation's check says so."""
    with suppress(ProviderError):
        if not delegation.trouble and (beneath := undelegated(delegation, account, provider)):
            return beneath
    above = delegation.zone.partition(".")[2]
    if "." in above:
        with suppress(ProviderError):
            parent = provider.zone_for(above).apex
            return None if delegation.trouble else _undelegated_parent(delegation, account, parent)
    return _refusal(account, provider, error, delegation.target)


def _refusal(account: Account, provider: Provider, error: ProviderError, name: str) -> Finding:
    permission = provider.permission if isinstance(provider, NeedsPermission) else ""
    permission = permission.replace("_acme-challenge.example.org", name)
    remedy: tuple[str, ...] = (error.hint, f"the credentials need: {permission}" if permission else "")
    if isinstance(error, ZoneUnserved):
        remedy = (error.hint, *_UNSERVED)
    if isinstance(error, Transient):
        remedy = (error.hint, "try again: it may pass by itself")
    return Finding(_code(error), Severity.ERROR, account.name, str(error), tuple(filter(None, remedy)))


_UNSERVED = (
    "BIND: a file that was edited while the zone took updates fits its journal no more; put FILE.jnl aside "
    "and load it again, and next time: rndc freeze ZONE, edit, rndc thaw ZONE",
    "at a secondary, mend the zone transfer; RFC2136_NAMESERVER is to name the primary",
)


def _code(error: ProviderError) -> str:
    match error:
        case AuthRejected():
            return "auth-rejected"
        case ZoneUnserved():
            return "zone-not-served"
        case ZoneNotFound():
            return "token-lacks-zone"
        case Transient():
            return "provider-unreachable"
    return "provider-refuses"


def _zone(
    examined: Examined, delegation: Destination, account: Account, provider: Provider
) -> Iterator[Finding]:
    """The account's zone has to be the one that the world is led to (docs/readiness.rst)."""
    cut, target = delegation.zone, delegation.target
    if "." in cut and (elsewhere := not_led_here(provider, delegation)):
        steps = (elsewhere.hint, "let UDP and TCP to port 53 of this host in, from everywhere")
        yield Finding("not-delegated-here", Severity.ERROR, target, str(elsewhere), steps)
        return
    nameservers = examined.settings.nameservers_for(examined.name)
    if isinstance(provider, NeedsAlias):
        yield from _alias(delegation, account, provider)
        if provider.takes(target) and (elsewhere_led := left_behind(examined, delegation, account)):
            yield elsewhere_led
    if ("." not in cut and not nameservers) or not knows_zones(provider):
        return
    if examined.settings.zone_id_for(cut or target):  # the configuration's word stands for the API's
        try:
            examined.places.accounts.zone(account, cut or target)
        except ZoneNotFound as error:
            yield _refusal(account, provider, error, target)
        return
    zone = provider.zone_for(cut or target)
    if cut and zone.apex != cut:
        if len(delegation.chain) == 1 and not delegation.trouble:
            yield _undelegated_parent(delegation, account, zone.apex)
        return
    if cut and zone.apex == cut:
        yield from rehearsed(delegation, account, zone, provider)
    # Who takes any name for a zone of its own, as acme-dns does, takes this one too.
    beneath = f"dns01-doctor.{target}"
    deeper = provider.zone_for(beneath).apex
    if cut and deeper not in (cut, beneath) and is_within(deeper, cut):
        found = _led_to_by_nobody(account, deeper, cut)
        yield found._replace(
            severity=Severity.WARNING,
            message=f"{found.message}; dns01 publishes in {cut}",
            remedy=(
                f"delete the zone {deeper} at the provider, if nothing else needs it",
                f"or {found.remedy[0]}",
            ),
        )


def _alias(delegation: Destination, account: Account, provider: NeedsAlias) -> Iterator[Finding]:
    """Its CNAME is there, and leads to an account."""
    name, target = delegation.name, delegation.target
    domain = name.removeprefix(PREFIX)
    wanted = provider.alias_for(name)
    # A name of the account's label in the domain's own zone is not at the provider's server.
    strayed = len(delegation.chain) > 1 and is_within(name, delegation.zone) and target != wanted
    if delegation.trouble or (provider.takes(target) and not strayed):
        return
    if wanted and "." not in wanted:  # the account's label alone is known
        wanted += f".{target.partition('.')[2]}" if len(delegation.chain) > 1 else ".THE-DOMAIN-OF-THE-SERVER"
    write = f"{name}. CNAME {wanted}." if wanted else f"dns01 register {domain}"
    missing = len(delegation.chain) == 1
    yield Finding(
        "acmedns-cname-missing" if missing else "acmedns-cname-wrong",
        Severity.ERROR,
        name,
        f"{name} has no CNAME to {account.provider}, which cannot write anywhere else"
        if missing
        else f"the CNAME of {name} leads to {target}, and {account.provider} has no account of that name",
        (f"{'write' if missing else 'change it'}, in the zone of {domain}: {write}" if wanted else write,),
    )


def _undelegated_parent(delegation: Destination, account: Account, parent: str) -> Finding:
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


def _is_seen_inside(examined: Examined) -> bool:
    """Whether the record goes to a zone that the account's own server has and the public DNS has not, and the
    CA asks there."""
    with suppress(HookError):
        return examined.places.find([examined.name])[examined.name].private and is_of_ones_own(examined)
    return False


def undelegated(delegation: Destination, account: Account, provider: Provider) -> Finding | None:
    """A zone of the account's that the record would be in, and that the zone to which the world is led does
    not delegate. Raises ProviderError."""
    zone, beneath = provider.zone_for(delegation.target).apex, f"dns01-doctor.{delegation.target}"
    if zone == delegation.zone or not is_within(zone, delegation.zone):
        return None
    if provider.zone_for(beneath).apex == beneath:  # takes any name for a zone of its own
        return None
    found = _led_to_by_nobody(account, zone, delegation.zone)
    if len(delegation.chain) > 1:
        return found._replace(message=f"{' -> '.join(delegation.chain)}: {found.message}")
    return found


def _led_to_by_nobody(account: Account, zone: str, above: str) -> Finding:
    servers = account.options.get("nameserver") or f"the servers of {account.provider}"
    return Finding(
        "wrong-zone",
        Severity.ERROR,
        zone,
        f"the account {account.name} has the zone {zone}, and {above} does not delegate it: nobody is led to "
        "what is published there",
        (
            f"have {zone} delegated to {servers}: in the zone {above}, write {zone}. NS HOST",
            f"or configure an account that can write to {above}",
        ),
    )
