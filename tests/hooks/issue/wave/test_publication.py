"""Which batches of a wave may be published side by side."""

from __future__ import annotations

import pytest

from dns01.hooks.issue.wave.publication import Zones, without_common_accounts
from dns01.providers.base import Zone


def at(*places: str) -> Zones:
    """``a/example.org`` for each: an account and its zone."""
    return tuple((account, Zone(apex)) for account, _, apex in (place.partition("/") for place in places))


@pytest.mark.parametrize(
    ("batches", "groups"),
    [
        ([], []),
        ([at("a/x"), at("b/y")], [[at("a/x")], [at("b/y")]]),
        ([at("a/x"), at("a/y")], [[at("a/x"), at("a/y")]]),
        ([at("a/x", "b/x"), at("c/y")], [[at("a/x", "b/x")], [at("c/y")]]),
        ([at("a/x", "b/x"), at("b/y")], [[at("a/x", "b/x"), at("b/y")]]),
        ([at("a/x"), at("b/y"), at("a/z", "b/z")], [[at("a/x"), at("b/y"), at("a/z", "b/z")]]),
        ([at("a/x", "b/x"), at("c/y"), at("b/z", "c/z")], [[at("a/x", "b/x"), at("c/y"), at("b/z", "c/z")]]),
    ],
)
def test_batches_that_have_an_account_in_common_are_published_one_after_the_other(
    batches: list[Zones], groups: list[list[Zones]]
) -> None:
    assert without_common_accounts(batches) == groups
