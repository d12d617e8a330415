"""What is configured: which account serves which zone, and on what terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...errors import ConfigError
from ...names import PREFIX, is_within
from ...providers import are_same
from ...providers.base import Profile
from ..dns.address import Address
from ..dns.timing import USUAL, Timing
from .validators import CnameRule, Readiness


class Account(NamedTuple):
    """One set of credentials at one provider; ``profile`` is the provider's with what the account
    overrides."""

    name: str
    provider: str
    options: Mapping[str, str]
    profile: Profile


class ZoneRule(NamedTuple):
    """What one ``[zone."…"]`` says of the names at and beneath its apex; empty where it says nothing."""

    apex: str
    accounts: tuple[str, ...]  # several where each serves the zone by itself, and gets every record
    id: str
    nameservers: tuple[Address, ...]
    readiness: Readiness | None
    overrides: Mapping[str, Any]  # of the profile
    cname: CnameRule | None = None  # what becomes of CNAMEs at the challenge names


@dataclass(frozen=True)
class Settings:
    """All that is configured. Of the zone sections that a name lies within, the one with the
    longest apex wins, key by key."""

    state: str
    source: str  # the file; without one, the environment
    accounts: Mapping[str, Account]
    zones: Sequence[ZoneRule]
    resolvers: tuple[Address, ...]
    readiness: Readiness | None
    nameservers: tuple[Address, ...] = ()  # of every name, where no section says otherwise
    ca: str = ""  # in one of the forms that authority.ca allows
    ca_account: str = ""  # the account's URI
    doh: tuple[str, ...] = ()  # URLs, for where port 53 is barred
    timing: Timing = USUAL

    def accounts_for(self, *names: str) -> tuple[Account, ...]:
        """The accounts of the first name that a section gives any, else the only account. A record is
        published through each of them.

        Raises ConfigError, which lists the accounts and shows the section to write.
        """
        if accounts := self._accounts_said(*names):
            return tuple(self.accounts[name] for name in accounts)
        if not self.accounts:
            raise ConfigError(f"no account is configured for {names[0]}", "`dns01 providers` shows how")
        first = next(iter(self.accounts))
        if len(self.accounts) == 1:
            return (self.accounts[first],)
        raise ConfigError(
            f"{self.source} says no account for {names[0]}; there are {', '.join(self.accounts)}",
            f'write [zone."{names[0].removeprefix(PREFIX)}"] and below it, for example, account = "{first}"',
        )

    def account_named(self, name: str, provider: str = "") -> Account:
        """The account of that name. ``provider``: whose it was when it published something, which nobody else
        can take back. Raises ConfigError, which says what there is in its place."""
        if name in self.accounts:
            account = self.accounts[name]
            if provider and not are_same(provider, account.provider):
                raise ConfigError(
                    f"{self.source}: the account {name} was {provider}'s when this was published, and is "
                    f"{account.provider}'s now",
                    f"let it be {provider}'s until this is taken back, or remove by hand what it published: "
                    "`dns01 sweep --forget` gives it up",
                )
            return account
        raise ConfigError(
            f"{self.source} has no account {name!r} any more; there are {', '.join(self.accounts)}",
            "configure it once more, or remove by hand what it published: `dns01 sweep --forget` gives it up",
        )

    def profile_for(self, account: Account, name: str) -> Profile:
        """The provider's profile, overridden by the account, overridden by the name's sections."""
        profile = account.profile
        for rule in reversed(self._rules(name)):
            profile = profile._replace(**rule.overrides)
        return profile

    def nameservers_for(self, name: str) -> tuple[Address, ...]:
        """Whom to ask about the name, where the configuration says it; discovery is then skipped."""
        return next((rule.nameservers for rule in self._rules(name) if rule.nameservers), self.nameservers)

    def apex_for(self, name: str) -> str:
        """The zone that the name is in, where a section has its servers' addresses or its id."""
        return next((rule.apex for rule in self._rules(name) if rule.nameservers or rule.id), "")

    def readiness_for(self, name: str) -> Readiness | None:
        """Whom to believe about the name, where the configuration says it."""
        return next((rule.readiness for rule in self._rules(name) if rule.readiness), self.readiness)

    def cname_for(self, name: str) -> CnameRule | None:
        """What becomes of a CNAME at the name, where the configuration says it."""
        return next((rule.cname for rule in self._rules(name) if rule.cname), None)

    def zone_id_for(self, apex: str) -> str:
        """The provider's id of the zone, where the configuration says it; else "".

        Raises ConfigError where the zone has several accounts: the id could be any one's.
        """
        id = next((rule.id for rule in self.zones if rule.apex == apex), "")
        if id and len(accounts := self._accounts_said(apex)) > 1:
            raise ConfigError(
                f"the id {id} of the zone {apex} is one provider's word for it, and there are several "
                f"accounts: {', '.join(accounts)}",
                f'take id out of [zone."{apex}"]: each account finds its own zone by its name',
            )
        return id

    def _accounts_said(self, *names: str) -> tuple[str, ...]:
        """The accounts of the first of the names that a section gives any."""
        return next((rule.accounts for name in names for rule in self._rules(name) if rule.accounts), ())

    def _rules(self, name: str) -> list[ZoneRule]:
        fitting = (rule for rule in self.zones if is_within(name, rule.apex))
        return sorted(fitting, key=lambda rule: len(rule.apex), reverse=True)
