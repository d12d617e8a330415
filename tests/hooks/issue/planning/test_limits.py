"""What a CA allows, and when the next order fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns01.hooks.issue.planning.limits import DAY, HOUR, LETS_ENCRYPT, Budget, Event, backoff, limits_of
from dns01.hooks.issue.planning.registered_domain import registered_domain

NOW = 1_800_000_000.0
LE = "https://acme-v02.api.letsencrypt.org/directory"


def orders(count: int, at: float = NOW - HOUR) -> list[Event]:
    return [Event("order", at + number, (f"n{number}.example{number}.org",)) for number in range(count)]


def issued(count: int, *names: str, at: float = NOW - DAY) -> list[Event]:
    return [Event("issued", at + number, names) for number in range(count)]


def test_the_300th_order_in_three_hours_fits_and_the_next_waits_for_the_oldest() -> None:
    assert Budget(LETS_ENCRYPT, orders(299)).fit(("a.example",), NOW).at == NOW

    fit = Budget(LETS_ENCRYPT, orders(300)).fit(("a.example",), NOW)

    assert fit.at == NOW - HOUR + 3 * HOUR
    assert fit.limit
    assert fit.limit.per == "account"


def test_fifty_certificates_in_a_week_are_counted_by_registered_domain() -> None:
    budget = Budget(LETS_ENCRYPT, issued(50, "a.example.org", "b.example.org"))

    assert budget.fit(("www.other.org",), NOW).at == NOW
    assert budget.fit(("www.other.org", "c.example.org"), NOW).at == NOW + 6 * DAY


def test_five_for_an_exact_set_are_counted_whatever_the_order_of_the_names() -> None:
    budget = Budget(LETS_ENCRYPT, issued(5, "a.example.org", "b.example.org"))

    assert budget.fit(("b.example.org", "a.example.org"), NOW).at == NOW + 6 * DAY
    assert budget.fit(("a.example.org",), NOW).at == NOW


def test_what_is_planned_counts() -> None:
    budget = Budget(LETS_ENCRYPT, [])
    for number in range(300):
        names = (f"n.example{number}.org",)
        assert budget.fit(names, NOW).at == NOW
        budget.take(names, NOW)

    later = budget.fit(("a.example",), NOW)
    budget.take(("a.example",), later.at)

    assert later.at == NOW + 3 * HOUR
    assert budget.fit(("b.example",), NOW).at == NOW + 3 * HOUR


def test_a_ca_without_figures_has_no_limits_here() -> None:
    assert limits_of(LE) == LETS_ENCRYPT
    assert limits_of("https://ca.example/directory") == ()
    assert limits_of("https://acme-staging-v02.api.letsencrypt.org/directory") == ()


def test_five_failed_validations_an_hour_are_never_reached() -> None:
    at, tries = 0.0, []
    for failures in range(1, 8):
        tries.append(at)
        at += backoff(failures, validation=True)

    assert max(sum(begin <= each < begin + HOUR for each in tries) for begin in tries) < 5


@pytest.mark.parametrize("failures", [0, 1, 5, 1000])
def test_a_back_off_is_never_longer_than_a_day(failures: int) -> None:
    assert 0 < backoff(failures, validation=False) <= DAY


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.example.org", "example.org"),
        ("*.example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.com.au", "example.com.au"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
    ],
)
def test_without_the_list_customary_second_levels_are_recognised(name: str, domain: str) -> None:
    assert registered_domain(name, "/nowhere") == domain


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.example.org", "example.org"),
        ("a.b.github.io", "b.github.io"),
        ("a.b.city.kobe.jp", "city.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"),
        ("a.unlisted", "a.unlisted"),
    ],
)
def test_with_the_list_it_decides(tmp_path: Path, name: str, domain: str) -> None:
    """The examples of https://publicsuffix.org/list/."""
    (tmp_path / "list").write_text("// comment\norg\nio\ngithub.io\njp\n*.kobe.jp\n!city.kobe.jp\n")

    assert registered_domain(name, str(tmp_path / "list")) == domain
