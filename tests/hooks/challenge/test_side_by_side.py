"""Zones of one account, changed at a time where its provider says that they may be."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from contract import validation
from testbed import TIME_LIMIT

from dns01.errors import AuthRejected
from dns01.hooks.challenge.placement import Placement, Placements
from dns01.hooks.challenge.primaries import Primary
from dns01.hooks.challenge.publisher import Records
from dns01.hooks.challenge.side_by_side import side_by_side
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


@pytest.fixture
def journal(state_dir: Path) -> Journal:
    return Journal(str(state_dir))


def records_of(provider: OneByOne, journal: Journal) -> Records:
    placements = SimpleNamespace(
        provider=lambda _: provider, provider_named=lambda _: provider, errors_of=lambda _: nullcontext()
    )
    return Records(journal, lambda: cast(Placements, placements), this_process())


def publish(records: Records, zones: Sequence[Zone] = ZONES) -> None:
    places: Mapping[str, Any] = {
        name: Placement(name, name, (Primary(ACCOUNT, zone, Profile()),), (), Profile(), "public", False)
        for zone in zones
        for name in [f"_acme-challenge.{zone.apex}"]
    }
    records.publish([Challenge(zone.apex, "token", validation(zone.apex)) for zone in zones], places)


def test_zones_are_published_and_taken_back_at_a_time_as_many_as_the_provider_takes(journal: Journal) -> None:
    provider = SeveralAtOnce(journal)
    records = records_of(provider, journal)
    publish(records)
    assert len(provider.there) == len(records.published) == len(ZONES)
    records.retract(journal.entries())
    assert (provider.there, journal.entries()) == (set(), [])
    assert provider.most == AT_ONCE


def test_a_provider_that_says_nothing_of_it_is_given_one_zone_after_the_other(journal: Journal) -> None:
    provider = OneByOne(journal)
    records = records_of(provider, journal)
    publish(records)
    records.retract(journal.entries())
    assert provider.most == 1


@pytest.mark.parametrize("forbidden", [ZONES[0], ZONES[AT_ONCE - 1], ZONES[-1]])
def test_where_one_zone_is_refused_nothing_of_the_others_is_left(journal: Journal, forbidden: Zone) -> None:
    provider = SeveralAtOnce(journal)
    provider.barrier, provider.forbidden = None, forbidden.apex
    records = records_of(provider, journal)
    with pytest.raises(AuthRejected, match=forbidden.apex):
        publish(records)
    assert (provider.there, journal.entries(), records.kept) == (set(), [], [])


def test_what_cannot_be_taken_back_of_one_zone_keeps_nothing_of_the_others(journal: Journal) -> None:
    provider = SeveralAtOnce(journal)
    records = records_of(provider, journal)
    publish(records)
    provider.barrier = None
    there, broken = journal.entries(), ZONES[3]

    def retract(zone: Zone, unwanted: Sequence[TxtRecord]) -> None:
        if zone == broken:
            raise AuthRejected("not yours", "ask for it")
        provider.there -= {record.name for record in unwanted}

    provider.retract = retract  # type: ignore[method-assign]
    records.retract(there)
    assert provider.there == {f"_acme-challenge.{broken.apex}"}
    assert [(entry.zone, entry.state) for entry in journal.entries()] == [(broken.apex, "retract")]


def test_of_several_errors_the_first_in_their_order_is_raised() -> None:
    second_has_failed = threading.Event()

    def first() -> None:
        assert second_has_failed.wait(TIME_LIMIT)
        raise ValueError("the first")

    def second() -> None:
        second_has_failed.set()
        raise ValueError("the second")

    with pytest.raises(ValueError, match="the first"):
        side_by_side([first, second], 2)


@pytest.mark.parametrize("at_once", [1, 2])
def test_once_one_has_failed_no_other_is_begun(at_once: int) -> None:
    begun: list[int] = []

    def step(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        side_by_side([partial(step, number) for number in range(100)], at_once)
    assert len(begun) < 100
