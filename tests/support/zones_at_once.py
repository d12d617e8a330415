"""An account whose zones may be changed at a time, or may not, and what it has been asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import ClassVar, cast

from contract import validation
from testbed import TIME_LIMIT

from dns01.errors import AuthRejected
from dns01.hooks.challenge.placement import Placement, Placements
from dns01.hooks.challenge.publisher import Records
from dns01.hooks.challenge.zone_accounts import ZoneAccount
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.clients.process import this_process
from dns01.hooks.config.settings import Account
from dns01.hooks.state.journal import Journal
from dns01.providers.base import Option, Profile, TxtRecord, Zone

ACCOUNT = Account("web", "slow", {}, Profile())
AT_ONCE = 4
ZONES = tuple(Zone(f"zone{number}.example") for number in range(2 * AT_ONCE))


class OneByOne:
    """A provider that says nothing of several zones at once; ``most``: how many there were."""

    options: ClassVar[tuple[Option, ...]] = ()
    profile: ClassVar[Profile] = Profile()

    def __init__(self, journal: Journal) -> None:
        self.there: set[str] = set()
        self.forbidden = ""  # an apex
        self.most = 0
        self._journal = journal
        self._lock = threading.Lock()
        self._at_work: set[str] = set()

    def zone_for(self, name: str) -> Zone:
        raise NotImplementedError

    def meet(self) -> None:
        """Wait for those that are to be at work at the same time."""

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        assert {record.name for record in records} <= {entry.target for entry in self._journal.entries()}
        self._change(zone)
        if zone.apex == self.forbidden:
            raise AuthRejected(f"{zone.apex} is not yours", "ask for it")
        self.there |= {record.name for record in records}

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self._change(zone)
        self.there -= {record.name for record in records}

    def _change(self, zone: Zone) -> None:
        with self._lock:
            self._at_work.add(zone.apex)
            self.most = max(self.most, len(self._at_work))
        self.meet()
        with self._lock:
            self._at_work.remove(zone.apex)


class SeveralAtOnce(OneByOne):
    zones_at_once = AT_ONCE

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.barrier: threading.Barrier | None = threading.Barrier(AT_ONCE, timeout=TIME_LIMIT)

    def meet(self) -> None:
        if self.barrier:
            self.barrier.wait()


def placements_of(provider: OneByOne, zones: Sequence[Zone] = ZONES) -> Placements:
    """A name in each of the zones, all of them of the one account."""
    places = {
        name: Placement(name, name, (ZoneAccount(ACCOUNT, zone, Profile()),), (), Profile(), "public", False)
        for zone in zones
        for name in [f"_acme-challenge.{zone.apex}"]
    }
    accounts = SimpleNamespace(
        provider=lambda _: provider,
        provider_named=lambda *_: provider,
        errors_of=lambda _: nullcontext(),
        unless_down=lambda *_: nullcontext(),
    )
    found = SimpleNamespace(accounts=accounts, find=lambda names: {name: places[name] for name in names})
    return cast(Placements, found)


def records_of(provider: OneByOne, journal: Journal) -> Records:
    return Records(journal, lambda: placements_of(provider), this_process())


def challenges_of(zones: Sequence[Zone] = ZONES) -> list[Challenge]:
    return [Challenge(zone.apex, "token", validation(zone.apex)) for zone in zones]


def publish(records: Records, provider: OneByOne) -> None:
    challenges = challenges_of()
    records.publish(challenges, placements_of(provider).find([each.name for each in challenges]))
