"""What a CA still remembers when a record is ready, with an injected clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed import NameServer, Zone

from dns01.errors import NotReady
from dns01.hooks.challenge.placement import Placements
from dns01.hooks.challenge.readiness import ReadinessWait
from dns01.hooks.clients.process import Client
from dns01.hooks.config.load import load_settings
from dns01.hooks.state.audit import Steps
from dns01.hooks.state.journal import Entry, Journal
from dns01.providers import memory

NAME = "_acme-challenge.example.org"
SERVER = "127.1.0.1"
US = Client("dehydrated", 1, 1, "")
SOMEBODY = Client("certbot", 2, 2, "")
NOW = 1_000_000_000.0
ENVIRON = {
    "DNS01_CONFIG": "",
    "DNS01_PROVIDER": "memory",
    "DNS01_MEMORY_ZONES": "example.org",
    "DNS01_NAMESERVERS": SERVER,
}


class Clock:
    """A clock that stands still but while somebody sleeps."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(state_dir: Path, clock: Clock) -> Journal:
    return Journal(str(state_dir), clock, clock.sleep)


@pytest.fixture(autouse=True)
def server() -> Iterator[NameServer]:
    zone = Zone("example.org", f'_acme-challenge TXT "ours"\nns1 A {SERVER}', {"ns1.example.org": SERVER})
    with NameServer(SERVER, zones=[zone]) as server:
        yield server


def entry(value: str = "ours", ttl: int = 60, client: Client | None = US) -> Entry:
    return Entry(
        "example.org", "token", NAME, NAME, value, ttl, "memory", "memory", "example.org", "", client
    )


def waited(journal: Journal, clock: Clock, ours: Entry, **terms: str) -> float:
    """Seconds that the wait for our record, which is there, takes."""
    settings = load_settings(ENVIRON | terms)
    before = clock.now
    waiting = ReadinessWait(settings, Placements(settings), journal, ours.client, clock, clock.sleep)
    opened = journal.open([ours])
    waiting.until_ready(opened, Steps(), published=opened)
    return clock.now - before


def test_nothing_is_remembered_of_a_name_that_had_no_record(journal: Journal, clock: Clock) -> None:
    assert waited(journal, clock, entry()) == 0


@pytest.mark.parametrize(
    ("ttl", "settle", "seconds"), [(60, "60", 61), (300, "60", 61), (1, "60", 2), (60, "0", 0)]
)
def test_34_what_was_just_retracted_is_remembered_for_the_ttl_or_as_long_as_a_ca_does(
    journal: Journal, clock: Clock, ttl: int, settle: str, seconds: float
) -> None:
    journal.close(journal.open([entry("of an earlier order")]))

    assert waited(journal, clock, entry(ttl=ttl), DNS01_SETTLE=settle) == seconds


def test_the_time_since_then_counts(journal: Journal, clock: Clock) -> None:
    journal.close(journal.open([entry("of an earlier order")]))
    clock.now += 40

    assert waited(journal, clock, entry()) == 21


def test_a_clock_that_was_put_back_makes_no_longer_wait(journal: Journal, clock: Clock) -> None:
    journal.close(journal.open([entry("of an earlier order")]))
    clock.now -= 30 * 86_400

    assert waited(journal, clock, entry()) == 61


def test_a_name_that_leads_elsewhere_than_at_its_publishing_is_not_ready(
    journal: Journal, clock: Clock
) -> None:
    with pytest.raises(NotReady, match=r"published at elsewhere\.net"):
        waited(journal, clock, entry()._replace(target="elsewhere.net"))


def test_a_ca_may_ask_this_moment_for_the_record_of_somebody_else_s_order(
    journal: Journal, clock: Clock
) -> None:
    journal.open([entry("theirs", client=SOMEBODY)])

    assert waited(journal, clock, entry()) == 61


def test_34_the_other_value_of_our_own_order_is_not_waited_for(journal: Journal, clock: Clock) -> None:
    journal.open([entry("of the wildcard")])

    assert waited(journal, clock, entry()) == 0


@pytest.mark.parametrize(("published_here", "questions"), [(True, 1), (False, 3)])
def test_a_provider_has_no_word_for_what_another_process_published(
    journal: Journal,
    clock: Clock,
    server: NameServer,
    monkeypatch: pytest.MonkeyPatch,
    published_here: bool,
    questions: int,
) -> None:
    monkeypatch.setattr("dns01.hooks.challenge.propagation.ROUND_INTERVAL", 0.05)
    monkeypatch.setattr(memory.Provider, "settled", lambda self, zone: None, raising=False)
    settings = load_settings(ENVIRON)
    opened = journal.open([entry()])

    waiting = ReadinessWait(settings, Placements(settings), journal, US, clock, clock.sleep)
    waiting.until_ready(opened, Steps(), published=opened if published_here else [])

    assert len(server.asked(NAME)) == questions


# Name by name


def one_by_one(
    journal: Journal, clock: Clock, *ours: Entry, **terms: str
) -> tuple[list[str], dict[str, str]]:
    """The names that are ready, and why others are not."""
    settings = load_settings(ENVIRON | terms)
    waiting = ReadinessWait(settings, Placements(settings), journal, US, clock, clock.sleep)
    ready: list[str] = []
    late: dict[str, str] = {}
    waiting.until_each_ready(
        journal.open(ours),
        Steps(),
        ready.extend,
        lambda errors: late.update({name: str(error) for name, error in errors.items()}),
        lambda watch, now: None,
    )
    return ready, late


def test_a_name_that_is_never_there_is_late_and_the_other_is_ready(journal: Journal, clock: Clock) -> None:
    other = "_acme-challenge.other.example.org"
    missing = entry()._replace(name=other, target=other)

    ready, late = one_by_one(journal, clock, entry(), missing, DNS01_TIMEOUT="1")

    assert ready == [NAME]
    assert list(late) == [other]


def test_a_name_by_itself_waits_for_what_the_ca_remembers_as_well(journal: Journal, clock: Clock) -> None:
    journal.close(journal.open([entry("earlier")]))

    assert one_by_one(journal, clock, entry()) == ([NAME], {})
    assert clock.now - NOW == 61


def test_a_provider_s_refusal_is_that_of_its_zone_s_names(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settled(self: object, zone: object) -> None:
        raise NotReady("the job has failed")

    monkeypatch.setattr(memory.Provider, "settled", settled, raising=False)

    assert one_by_one(journal, clock, entry()) == ([], {NAME: "the job has failed"})
