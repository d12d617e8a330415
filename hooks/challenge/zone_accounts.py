"""The accounts that a record is published through: one, or several that serve its zone side by side.

Several have copies of the zone that know nothing of each other (RFC 8901 §2): each gets every record,
and the name servers of each are waited for.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ... import output
from ...errors import ProviderError, ZoneNotFound
from ...providers.base import Profile, Provider, ShowsApex, Zone
from ..config.settings import Account
from ..dns.address import Address
from ..dns.destination import Server


class ZoneAccount(NamedTuple):
    """One account that has a record's zone, and that the record is published through."""

    account: Account
    zone: Zone
    profile: Profile

    def servers(self, provider: Provider) -> tuple[Server, ...]:
        """The name servers that the account's own copy of the zone has, with the addresses that are in the
        zone; none, and a warning, where it does not tell. ``provider``: the account's."""
        if not isinstance(provider, ShowsApex):
            return ()
        try:
            apex = provider.apex_of(self.zone)
        except ProviderError as error:
            output.warning(
                f"the account {self.account.name} does not tell which name servers it has for "
                f"{self.zone.apex} ({error}): those of the delegation are asked"
            )
            return ()
        return tuple(
            Server(host, tuple(map(Address, apex.addresses.get(host, ())))) for host in apex.name_servers
        )


def check_same_zone(target: str, zone_accounts: Sequence[ZoneAccount]) -> None:
    """Raises ZoneNotFound where the accounts of a name have different zones for it."""
    if len({each.zone.apex for each in zone_accounts}) > 1:
        shown = ", ".join(f"{each.account.name} has {each.zone.apex}" for each in zone_accounts)
        raise ZoneNotFound(
            f"the accounts of {target} do not have the same zone for it: {shown}",
            "several accounts of one name serve one zone: remove the stale one, or name one account only",
        )


def slowest(profiles: Iterable[Profile]) -> Profile:
    """The profile with the longest waits of all these, which is enough for the name servers of each."""
    return Profile(*map(max, zip(*profiles, strict=True)))
