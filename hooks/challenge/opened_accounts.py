"""The accounts that a call needs: each one's provider, opened once, and the zones that it has."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, NamedTuple

from ...errors import ConfigError, ProviderError, Unreachable, ZoneNotFound
from ...providers import load
from ...providers.base import ChecksIds, Look, ObservesServers, Provider, StartsServer, Zone, zones_at_once
from ..config.load import open_account
from ..config.settings import Account, Settings

OUTAGE = 60.0  # seconds for which what has had no answer, with all of its repetitions, is not tried again

Doing = Literal["find", "publish", "retract"]


class Silence(NamedTuple):
    """When (of the clock) a try has had no answer, and what it raised."""

    at: float
    error: Unreachable


class Unanswered:
    """The zones of an account for which something has had no answer; ``in_a_row``: since the last answer."""

    def __init__(self) -> None:
        self.zones: dict[str, Silence] = {}
        self.in_a_row: set[str] = set()
        self.last: Silence | None = None


class OpenedAccounts:
    """Opens accounts, and remembers them and their zones.

    ``look``: what a provider that cannot list its records is given to see them in the DNS.
    """

    def __init__(
        self,
        settings: Settings,
        look: Look,
        open_account: Callable[[Account], Provider] = open_account,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._look = look
        self._open_account = open_account
        self._providers: dict[str, Provider] = {}
        self._opening = threading.Lock()  # doctor looks at many domains at once
        self._zones: dict[tuple[str, str], Zone] = {}
        self._wrong_ids: dict[tuple[str, str], ZoneNotFound] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._gates: dict[str, threading.Semaphore] = {}  # of each account: how many may ask at a time
        self._unanswered: dict[tuple[str, Doing], Unanswered] = defaultdict(Unanswered)
        self._clock = clock

    def provider(self, account: Account) -> Provider:
        """The account's provider, ready for use. Raises ConfigError."""
        with self._opening:
            if account.name not in self._providers:
                provider = self._providers[account.name] = self._open_account(account)
                if isinstance(provider, ObservesServers):
                    provider.observe(self._look)
            return self._providers[account.name]

    def provider_named(self, account: str, provider: str = "") -> Provider:
        """The provider of the account of that name. Raises ConfigError, also where it is another than
        ``provider`` by now."""
        return self.provider(self._settings.account_named(account, provider))

    @contextmanager
    def errors_of(self, account: str) -> Iterator[None]:
        """Put the account's name into the errors that its provider raises, where there are several
        accounts."""
        try:
            yield
        except ProviderError as error:
            named = re.search(rf"\baccount {re.escape(account)}(?![\w.-])", str(error))
            if len(self._settings.accounts) > 1 and not named:
                error.args = (f"account {account}: {error}",)
            raise

    @contextmanager
    def unless_down(self, account: str, doing: Doing, zone: str) -> Iterator[None]:
        """As ``errors_of``. What has had no answer is raised at once, for a minute: for the zone that it was
        tried for, and for all once the last two had none. Each of hundreds of names would take as long."""
        unanswered = self._unanswered[account, doing]
        silent = unanswered.last if len(unanswered.in_a_row) > 1 else unanswered.zones.get(zone)
        if silent and self._clock() - silent.at < OUTAGE:
            raise silent.error
        try:
            with self.errors_of(account):
                yield
        except Unreachable as error:
            unanswered.last = unanswered.zones[zone] = Silence(self._clock(), error)
            unanswered.in_a_row.add(zone)
            raise
        unanswered.in_a_row.clear()

    def start_servers(self, names: Iterable[str]) -> None:
        """An embedded server has to be there before its names are looked up.

        Raises ConfigError, and ProviderError where it cannot start.
        """
        of_account: dict[str, list[str]] = defaultdict(list)
        for name in names:
            with suppress(ConfigError):  # its account may be that of a CNAME's target
                for account in self._settings.accounts_for(name):
                    of_account[account.name].append(name)
        for called, its_names in of_account.items():
            provider = self.provider_named(called)
            if isinstance(provider, StartsServer):
                provider.start(its_names)

    def may_start_servers(self) -> bool:
        """Whether any account's provider has a server that ``start_servers`` starts. Raises ConfigError."""
        kinds = {account.provider for account in self._settings.accounts.values()}
        return any(issubclass(load(kind), StartsServer) for kind in kinds)

    def zones_at_once(self, names: Iterable[str]) -> int:
        """How many zones any one of the names' accounts may be asked for at a time."""
        accounts: dict[str, Account] = {}
        for name in names:
            with suppress(ConfigError):  # the name itself says it
                accounts |= {account.name: account for account in self._settings.accounts_for(name)}
        return max((zones_at_once(self.provider(account)) for account in accounts.values()), default=1)

    def zone(self, account: Account, name: str) -> Zone:
        """The account's zone that the name is in, or that the configuration has the id of: whose id it is,
        the provider is asked once.

        Raises ProviderError.
        """
        known = (account.name, name)
        if known not in self._zones:
            with self._opening:
                asking = self._asking.setdefault(known, threading.Lock())
            with asking:  # a hundred names of one zone are one question
                if known not in self._zones:
                    id = self._settings.zone_id_for(name)
                    self._zones[known] = self._zone_for(account, name, id)
        return self._zones[known]

    def _zone_for(self, account: Account, name: str, id: str) -> Zone:
        provider = self.provider(account)
        with self._opening:
            gate = self._gates.setdefault(account.name, threading.Semaphore(zones_at_once(provider)))
        with gate, self.unless_down(account.name, "find", name):
            if not id:
                return provider.zone_for(name)
            if isinstance(provider, ChecksIds):
                self._check_id(provider, account, Zone(name, id))
            return Zone(name, id)

    def _check_id(self, provider: ChecksIds, account: Account, zone: Zone) -> None:
        known = (account.name, zone.apex)
        if known in self._wrong_ids:
            raise self._wrong_ids[known]
        try:
            provider.check_id(zone)
        except ZoneNotFound as error:
            self._wrong_ids[known] = error
            raise
