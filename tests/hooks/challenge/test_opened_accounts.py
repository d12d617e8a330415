"""The accounts of a configuration, opened as they are needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from dns01.errors import Unreachable
from dns01.hooks.challenge.opened_accounts import OpenedAccounts
from dns01.hooks.config.load import load_settings
from dns01.hooks.config.settings import Account
from dns01.providers.base import Provider, Zone
from dns01.providers.memory import Provider as Memory

VARIABLES = {"DNS01_CONFIG": "", "DNS01_PROVIDER": "memory", "DNS01_MEMORY_ZONES": "example.org"}


def test_an_account_is_opened_once_however_many_ask_for_it_at_once() -> None:
    meeting = threading.Barrier(2)

    def open_account(account: Account) -> Provider:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.1)
        return Memory(account.options)

    settings = load_settings(VARIABLES)
    accounts = OpenedAccounts(settings, lambda names: {}, open_account)
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(accounts.provider, [settings.account_named("memory")] * 2)

    assert one is two


class Down(Memory):
    """An API that answers for some names only, each time after all of its tries."""

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self.answers: set[str] = set()
        self.asked: list[str] = []

    def zone_for(self, name: str) -> Zone:
        self.asked.append(name)
        if name not in self.answers:
            raise Unreachable("nothing answers", "try again later")
        return Zone(name)


@pytest.fixture
def down() -> Down:
    return Down({"zones": "example.org"})


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(down: Down, clock: Clock) -> OpenedAccounts:
    settings = load_settings(VARIABLES)
    return OpenedAccounts(settings, lambda names: {}, lambda account: down, clock)


def find(accounts: OpenedAccounts, *names: str) -> list[str]:
    """Those of the names that a zone is found for."""
    found = []
    account = load_settings(VARIABLES).account_named("memory")
    for name in names:
        with suppress(Unreachable):
            found.append(accounts.zone(account, name).apex)
    return found


HUNDRED = [f"n{number}.example.org" for number in range(100)]


def test_an_api_that_is_down_is_not_waited_for_a_hundred_times(down: Down, accounts: OpenedAccounts) -> None:
    assert find(accounts, *HUNDRED) == []
    assert down.asked == HUNDRED[:2]


def test_one_zone_that_gets_no_answer_costs_the_others_nothing(down: Down, accounts: OpenedAccounts) -> None:
    down.answers = set(HUNDRED[1:])
    assert find(accounts, *HUNDRED[:1], *HUNDRED, *HUNDRED[:1] * 99) == HUNDRED[1:]
    assert down.asked.count(HUNDRED[0]) == 1


def test_two_of_many_zones_that_get_no_answer_cost_the_others_nothing(
    down: Down, accounts: OpenedAccounts
) -> None:
    down.answers = set(HUNDRED) - {HUNDRED[10], HUNDRED[20]}
    assert set(find(accounts, *HUNDRED)) == down.answers


def test_an_api_that_is_down_is_asked_again_after_a_minute(
    down: Down, accounts: OpenedAccounts, clock: Clock
) -> None:
    find(accounts, *HUNDRED)
    down.answers = set(HUNDRED)
    clock.now += 60

    assert find(accounts, *HUNDRED) == HUNDRED


def test_what_could_not_be_published_is_taken_back_all_the_same(accounts: OpenedAccounts) -> None:
    for zone in HUNDRED:
        with suppress(Unreachable), accounts.unless_down("memory", "publish", zone):
            raise Unreachable("nothing answers", "")

    with accounts.unless_down("memory", "retract", HUNDRED[0]):
        pass
