"""The zone as the account itself has it, to be compared with what the world is led to."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from ......errors import HookError
from ......providers.base import HasNameServer, ShowsApex, ZoneApex
from ......threads import in_background_once
from .....challenge.placement import Placements
from .....config.settings import Account
from .....dns.address import resolved
from .....dns.destination import Server
from .....dns.inspect.faults import ZoneCopy
from ...finding import Examined
from .destination import followed

WITHIN = 5.0  # seconds for the account's word: the rest of the check has to fit into its time


class AccountCopy(NamedTuple):
    """``host``: where the account's updates go, if to a name server, with its addresses as this machine's
    resolver has them, for so does who sends the updates."""

    account: Account
    zone: str
    host: Server
    apex: ZoneApex

    @property
    def server(self) -> str:
        """The first of the addresses; empty where none is known."""
        return self.host.addresses[0].ip if self.host.addresses else ""

    @property
    def copy(self) -> ZoneCopy:
        """What the account has of the zone, in the form in which servers' copies are compared with it."""
        hosts = frozenset(self.apex.name_servers)
        return ZoneCopy(self.server, self.apex.primary, self.apex.serial, hosts)

    @property
    def label(self) -> str:
        """What a finding calls the copy: its server, or else the account."""
        if self.account.options.get("nameserver"):
            return f"the account's server {self.account.options['nameserver']}"
        return f"the account {self.account.name} ({self.account.provider})"


class AccountCopies(NamedTuple):
    """``found``: of each account that tells; ``accounts``: how many there are."""

    found: tuple[AccountCopy, ...] = ()
    accounts: int = 0

    @property
    def only(self) -> AccountCopy | None:
        """The copy of the only account; None where there are several accounts, or it does not tell."""
        return self.found[0] if self.found and self.accounts == 1 else None


def account_copies(examined: Examined) -> AccountCopies:
    """What the accounts have at the apex of the zone that the record goes to. Where that is not to be had,
    the accounts' own check has the reason."""
    try:
        delegation = followed(examined)
        accounts = examined.settings.accounts_for(delegation.target, examined.name)
    except HookError:
        return AccountCopies()
    wanted = delegation.zone if "." in delegation.zone else delegation.target
    looking = [_look(examined.places, account.name, wanted) for account in accounts]
    until = time.monotonic() + WITHIN
    found = []
    for account, looked in zip(accounts, looking, strict=True):
        with suppress(HookError, TimeoutError):
            if copy := looked.result(max(0.0, until - time.monotonic())):
                found.append(AccountCopy(account, *copy))
    return AccountCopies(tuple(found), len(accounts))


def look_again(places: Placements, account: str, wanted: str) -> tuple[str, Server, ZoneApex] | None:
    """The zone's apex, the server, and what is there now. Raises HookError."""
    provider = places.accounts.provider_named(account)
    if not isinstance(provider, ShowsApex):
        return None
    zone = provider.zone_for(wanted)
    apex = provider.apex_of(zone)
    host = Server("", ())
    if isinstance(provider, HasNameServer):
        name, port = provider.name_server()
        host = Server(name, resolved(name, port))
    return (zone.apex, host, apex) if apex.name_servers else None


_look = in_background_once(256)(look_again)  # one question will do for all domains of a zone


def names(hosts: Iterable[str]) -> str:
    """NS names in one line, as a finding lists them."""
    return ", ".join(sorted(hosts)) or "nobody"
