"""Zones of one account, changed at a time where its provider says that they may be."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from testbed import TIME_LIMIT
from zones_at_once import AT_ONCE, ZONES, OneByOne, SeveralAtOnce, publish, records_of

from dns01.errors import AuthRejected
from dns01.hooks.state.journal import Journal
from dns01.providers.base import TxtRecord, Zone
from dns01.threads import side_by_side


@pytest.fixture
def journal(state_dir: Path) -> Journal:
    return Journal(str(state_dir))


def test_zones_are_published_and_taken_back_at_a_time_as_many_as_the_provider_takes(journal: Journal) -> None:
    provider = SeveralAtOnce(journal)
    records = records_of(provider, journal)
    publish(records, provider)
    assert len(provider.there) == len(records.published) == len(ZONES)
    records.retract(journal.entries())
    assert (provider.there, journal.entries()) == (set(), [])
    assert provider.most == AT_ONCE


def test_a_provider_that_says_nothing_of_it_is_given_one_zone_after_the_other(journal: Journal) -> None:
    provider = OneByOne(journal)
    records = records_of(provider, journal)
    publish(records, provider)
    records.retract(journal.entries())
    assert provider.most == 1


@pytest.mark.parametrize("forbidden", [ZONES[0], ZONES[AT_ONCE - 1], ZONES[-1]])
def test_where_one_zone_is_refused_nothing_of_the_others_is_left(journal: Journal, forbidden: Zone) -> None:
    provider = SeveralAtOnce(journal)
    provider.barrier, provider.forbidden = None, forbidden.apex
    records = records_of(provider, journal)
    with pytest.raises(AuthRejected, match=forbidden.apex):
        publish(records, provider)
    assert (provider.there, journal.entries(), records.kept) == (set(), [], [])


def test_what_cannot_be_taken_back_of_one_zone_keeps_nothing_of_the_others(journal: Journal) -> None:
    provider = SeveralAtOnce(journal)
    records = records_of(provider, journal)
    publish(records, provider)
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


@pytest.fixture
def slow_to_switch() -> Iterator[None]:
    """As on a busy machine, a thread goes on for long before another one gets its turn."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1.0)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_once_one_has_failed_no_other_is_begun(at_once: int, slow_to_switch: None) -> None:
    begun: list[int] = []

    def step(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        side_by_side([partial(step, number) for number in range(100)], at_once)
    assert len(begun) <= at_once
