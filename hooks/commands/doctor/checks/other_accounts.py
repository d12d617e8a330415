"""Which other accounts of the configuration have the zone that the one it names lacks."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import partial

from .....errors import HookError, ZoneNotFound
from .....providers.base import knows_zones
from .....threads import in_background
from ....config.settings import Account
from ....dns.destination import Destination
from ..finding import Examined, Finding, Severity


def at_another(
    examined: Examined, delegation: Destination, account: Account, error: ZoneNotFound
) -> Finding | None:
    """The zone has been given to the wrong account: what that one is for other zones may be right."""
    zone, settings = delegation.zone, examined.settings
    others = others_with(examined, zone, [account]) if "." in zone and not delegation.trouble else []
    if not others:
        return None
    given = settings.accounts_for(delegation.target, examined.name)
    names = [each.name for each in given if each.name in others] or others[:1]
    value = json.dumps(names[0] if len(names) == 1 else names)
    return Finding(
        "token-lacks-zone",
        Severity.ERROR,
        account.name,
        f"{error}; the account {' and '.join(others)} has {zone}",
        (f'in {settings.source}: [zone."{zone}"], and below it account = {value}', "dns01 config check"),
    )


def others_with(examined: Examined, zone: str, lacking: Collection[Account]) -> list[str]:
    """The names of the accounts that have that very zone, of all but ``lacking``."""
    accounts = [account for account in examined.settings.accounts.values() if account not in lacking]
    asked = {account.name: in_background(partial(_has, examined, account, zone)) for account in accounts}
    return [name for name, has in asked.items() if has.result()]


def _has(examined: Examined, account: Account, zone: str) -> bool:
    try:
        provider = examined.places.accounts.provider(account)
        beneath = f"dns01-doctor.{zone}"  # who takes any name for a zone of its own has none
        return (
            knows_zones(provider)
            and provider.zone_for(zone).apex == zone
            and provider.zone_for(beneath).apex != beneath
        )
    except HookError:  # of an account that this domain has nothing to do with
        return False
