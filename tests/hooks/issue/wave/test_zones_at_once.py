"""What a wave publishes: the zones of one account at a time as many as its provider takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from zones_at_once import (
    AT_ONCE,
    ZONES,
    OneByOne,
    SeveralAtOnce,
    challenges_of,
    placements_of,
    records_of,
)

from dns01.hooks.issue.wave.publication import Publication
from dns01.hooks.state.journal import Journal


@pytest.mark.parametrize(("kind", "at_once"), [(OneByOne, 1), (SeveralAtOnce, AT_ONCE)])
def test_zones_are_published_and_taken_back_at_a_time_as_many_as_the_provider_takes(
    state_dir: Path, kind: type[OneByOne], at_once: int
) -> None:
    journal = Journal(str(state_dir))
    provider = kind(journal)
    publication = Publication(records_of(provider, journal), placements_of(provider))
    publication.publish(challenges_of())
    assert len(provider.there) == len(publication.entries) == len(ZONES)
    publication.retract()
    assert (provider.there, journal.entries(), provider.most) == (set(), [], at_once)


def test_a_zone_that_is_refused_costs_the_others_nothing(state_dir: Path) -> None:
    journal = Journal(str(state_dir))
    provider = SeveralAtOnce(journal)
    provider.barrier, provider.forbidden = None, ZONES[3].apex
    publication = Publication(records_of(provider, journal), placements_of(provider))
    publication.publish(challenges_of())
    assert list(publication.failed) == [f"_acme-challenge.{ZONES[3].apex}"]
    assert len(provider.there) == len(publication.entries) == len(ZONES) - 1
