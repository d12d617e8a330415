"""Names that keep few values, and what is open there already."""

from __future__ import annotations

from typing import Any

import pytest
from contract import validation

from dns01.errors import Busy, ProviderError
from dns01.hooks.challenge.value_limit import check_value_limit
from dns01.hooks.state.journal import Entry


class Keeps:
    """A provider that keeps so many values at a name."""

    def __init__(self, values_per_name: int | None) -> None:
        if values_per_name:
            self.values_per_name = values_per_name


def entry(domain: str, value: str, target: str = "target.example.net") -> Entry:
    name = f"_acme-challenge.{domain}"
    return Entry(domain, "token", name, target, validation(value), 1, "a", "p", "example.net", "", None)


def check(most: int | None, wanted: list[Entry], open: list[Entry]) -> None:
    provider: Any = Keeps(most)
    check_value_limit(provider, wanted, lambda: open)


APEX, WILDCARD, THIRD = (
    entry(domain, value) for domain, value in (("a.org", "a"), ("a.org", "b"), ("c.org", "c"))
)


def test_as_many_as_there_is_room_for_are_let_through() -> None:
    check(2, [APEX, WILDCARD], [])
    check(2, [APEX], [WILDCARD])
    check(1, [APEX, entry("b.org", "b", "elsewhere.example.net")], [])


def test_a_provider_that_says_nothing_keeps_any_number() -> None:
    check(None, [APEX, WILDCARD, THIRD], [entry("d.org", "d")])


def test_where_there_is_room_for_any_number_nobody_looks_what_is_open() -> None:
    """At 100 zones, that would be 100 looks at 100 files."""
    keeps_any: Any = Keeps(None)
    check_value_limit(keeps_any, [APEX], lambda: pytest.fail("it was looked up"))


def test_more_in_one_order_are_refused_with_the_names() -> None:
    with pytest.raises(ProviderError, match=r"2 values, but a\.org, c\.org need 3") as refusal:
        check(2, [APEX, WILDCARD, THIRD], [])
    assert not isinstance(refusal.value, Busy)
    with pytest.raises(ProviderError, match=r"one value, but a\.org need"):
        check(1, [APEX, WILDCARD], [])


def test_what_another_order_holds_is_said_with_its_names() -> None:
    with pytest.raises(Busy, match=r"has one for a\.org: there is no room for c\.org"):
        check(2, [THIRD], [APEX, WILDCARD])


def test_a_value_that_is_open_already_is_no_second_one() -> None:
    check(2, [APEX, WILDCARD], [APEX, WILDCARD])
    check(2, [APEX], [APEX, WILDCARD])


def test_what_is_open_at_another_target_takes_no_room() -> None:
    check(2, [APEX, WILDCARD], [entry("c.org", "c", "elsewhere.example.net")])


def test_what_another_account_has_open_takes_no_room() -> None:
    check(2, [THIRD], [each._replace(account="b") for each in (APEX, WILDCARD)])


def test_names_that_share_a_holder_share_its_room() -> None:
    provider: Any = Keeps(1)
    provider.holder = lambda target: target.partition(".")[2]
    first, second = entry("a.org", "a", "a.shared.example"), entry("b.org", "b", "b.shared.example")

    with pytest.raises(Busy, match=r"shared\.example keeps no more than one value"):
        check_value_limit(provider, [first], lambda: [second])
