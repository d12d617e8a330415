"""What a CA still remembers when a record is ready, with an injected clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest
from testbed import NameServer, Zone

from dns01.errors import ClientGone, NotReady
from dns01.hooks.challenge.placement import Placements
from dns01.hooks.challenge.readiness.by_name import ReadinessByName
from dns01.hooks.challenge.readiness.wait import ReadinessWait
from dns01.hooks.clients.process import ClientProcess
from dns01.hooks.config.load import load_settings, open_account
from dns01.hooks.config.settings import Account
from dns01.hooks.dns.timing import Timing
from dns01.hooks.state.audit.record import Steps
from dns01.hooks.state.journal import Entry, Journal
from dns01.providers import base, memory

NAME = "_acme-challenge.example.org"
SERVER = "127.1.0.1"
US = ClientProcess("dehydrated", 1, 1, "")
SOMEBODY = ClientProcess("certbot", 2, 2, "")
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


def entry(value: str = "ours", ttl: int = 60, client: ClientProcess | None = US) -> Entry:
    return Entry(
        "example.org", "token", NAME, NAME, value, ttl, "memory", "memory", "example.org", "", client
    )


class InSync(memory.Provider):
    """One whose API says that all is on its servers, or why it will not be."""

    def __init__(self, options: Mapping[str, str], failure: NotReady | None = None) -> None:
        super().__init__(options)
        self._failure = failure

    def wait_until_in_sync(self, zone: base.Zone) -> None:
        if self._failure:
            raise self._failure


def in_sync(account: Account) -> base.Provider:
    return InSync(account.options)


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
    journal: Journal, clock: Clock, server: NameServer, ttl: int, settle: str, seconds: float
) -> None:
    journal.close(journal.open([entry("of an earlier order")]))
    server.zone("example.org").set(NAME, "TXT", "ours", ttl=ttl)

    assert waited(journal, clock, entry(ttl=ttl), DNS01_SETTLE=settle) == seconds


@pytest.mark.parametrize(("shown", "seconds"), [(0, 6), (1, 6), (5, 6), (30, 31), (60, 61), (3600, 61)])
def test_34_the_ttl_that_the_servers_show_counts_where_it_is_longer_than_ours(
    journal: Journal, clock: Clock, server: NameServer, shown: int, seconds: float
) -> None:
    """A provider raises what is too short for it, and records beside ours have theirs in common with it."""
    server.zone("example.org").set(NAME, "TXT", "ours", "of somebody else", ttl=shown)

    for wait in (waited, waited_one_by_one):
        journal.close(journal.open([entry("of an earlier order")]))
        assert wait(journal, clock, entry(ttl=5)) == seconds


def test_34_where_resolvers_decide_no_ttl_is_known(journal: Journal, clock: Clock) -> None:
    journal.close(journal.open([entry("of an earlier order")]))
    waiting = {"DNS01_READINESS": "resolvers", "DNS01_DOH": "", "DNS01_RESOLVERS": SERVER}

    assert waited(journal, clock, entry(ttl=5), **waiting) >= 61


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
    published_here: bool,
    questions: int,
) -> None:
    settings = replace(load_settings(ENVIRON), timing=Timing(round=0.05))
    opened = journal.open([entry()])

    waiting = ReadinessWait(settings, Placements(settings, in_sync), journal, US, clock, clock.sleep)
    waiting.until_ready(opened, Steps(), published=opened if published_here else [])

    assert len(server.asked(NAME, "TXT")) == questions


# Name by name


def waited_one_by_one(journal: Journal, clock: Clock, ours: Entry) -> float:
    """Seconds that this wait for our record, which is there, takes."""
    before = clock.now
    assert one_by_one(journal, clock, ours) == ([NAME], {})
    return clock.now - before


def one_by_one(
    journal: Journal,
    clock: Clock,
    *ours: Entry,
    open_account: Callable[[Account], base.Provider] = open_account,
    **terms: str,
) -> tuple[list[str], dict[str, str]]:
    """The names that are ready, and why others are not."""
    settings = load_settings(ENVIRON | terms)
    waiting = ReadinessByName(settings, Placements(settings, open_account), journal, US, clock, clock.sleep)
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


def test_a_provider_s_refusal_is_that_of_its_zone_s_names(journal: Journal, clock: Clock) -> None:
    def failing(account: Account) -> base.Provider:
        return InSync(account.options, NotReady("the job has failed"))

    assert one_by_one(journal, clock, entry(), open_account=failing) == ([], {NAME: "the job has failed"})


# Name servers that show this machine another view


def by_resolvers(journal: Journal, clock: Clock, *ours: Entry, **terms: str) -> list[str]:
    """The names that are degraded, where resolvers alone decide."""
    settings = load_settings({**ENVIRON, "DNS01_READINESS": "resolvers", "DNS01_DOH": "", **terms})
    waiting = ReadinessWait(settings, Placements(settings), journal, US, clock, clock.sleep)
    opened = journal.open(ours)
    return waiting.until_ready(opened, Steps(), published=opened)


@pytest.fixture
def resolver() -> Iterator[NameServer]:
    """A resolver that is led to the view of the world."""
    with NameServer("127.0.0.57", zones=[Zone("example.org", '_acme-challenge TXT "ours"')]) as resolver:
        resolver.intercepted = True
        yield resolver


def test_44_where_name_servers_show_another_view_resolvers_alone_decide_and_that_is_labelled(
    journal: Journal,
    clock: Clock,
    server: NameServer,
    resolver: NameServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.zone("example.org").set(NAME, "TXT", "of the other view")

    assert by_resolvers(journal, clock, entry(), DNS01_RESOLVERS=resolver.address) == [NAME]

    assert [question.type for question in server.asked(NAME)] == ["SOA"]
    said = capsys.readouterr().err
    assert f'! degraded: readiness = "resolvers" for {NAME}' in said
    assert f" degraded: {resolver.address} " in said


def test_44_no_resolver_is_asked_before_the_record_has_had_its_time(
    journal: Journal, clock: Clock, resolver: NameServer
) -> None:
    by_resolvers(journal, clock, entry(), DNS01_RESOLVERS=resolver.address)
    assert clock.now - NOW >= 30


def test_44_a_resolver_that_does_not_see_it_is_waited_for_until_the_time_out(
    journal: Journal, clock: Clock, resolver: NameServer
) -> None:
    resolver.zone("example.org").set(NAME, "TXT", "of another view")
    with pytest.raises(NotReady, match=r"127\.0\.0\.57 "):
        by_resolvers(journal, clock, entry(), DNS01_RESOLVERS=resolver.address, DNS01_TIMEOUT="32")


def test_44_nobody_to_ask_is_an_error(journal: Journal, clock: Clock) -> None:
    with pytest.raises(NotReady, match=r"127\.0\.0\.58"):
        by_resolvers(journal, clock, entry(), DNS01_RESOLVERS="127.0.0.58", DNS01_TIMEOUT="31")


def test_44_name_by_name_it_is_the_same(journal: Journal, clock: Clock, resolver: NameServer) -> None:
    terms = {"DNS01_READINESS": "resolvers", "DNS01_DOH": "", "DNS01_RESOLVERS": resolver.address}
    assert one_by_one(journal, clock, entry(), **terms) == ([NAME], {})


# What vanishes, and who is gone


def test_45_what_vanishes_goes_to_whoever_can_publish_it_again(
    journal: Journal, clock: Clock, server: NameServer
) -> None:
    settings = load_settings({**ENVIRON, "DNS01_ROUNDS": "2", "DNS01_TIMEOUT": "60"})
    again: list[Entry] = []

    def republish(entries: object) -> None:
        again.extend(opened)
        server.zone("example.org").set(NAME, "TXT", "ours")

    waiting = ReadinessWait(
        settings, Placements(settings), journal, US, clock, clock.sleep, republish=republish
    )
    opened = journal.open([entry()])
    Timer(1, server.zone("example.org").set, (NAME, "TXT", "of another writer")).start()
    waiting.until_ready(opened, Steps(), published=opened)

    assert again == opened


def test_46_a_client_that_is_gone_ends_the_wait(journal: Journal, clock: Clock, server: NameServer) -> None:
    server.zone("example.org").set(NAME, "TXT", "old")
    settings = load_settings(ENVIRON)
    waiting = ReadinessWait(
        settings, Placements(settings), journal, US, clock, clock.sleep, client_lives=lambda client: False
    )
    with pytest.raises(ClientGone):
        waiting.until_ready(journal.open([entry()]), Steps(), published=[])


def test_46_a_client_of_which_nothing_can_be_told_is_taken_to_live(journal: Journal, clock: Clock) -> None:
    settings = load_settings(ENVIRON | {"DNS01_ROUNDS": "2"})
    waiting = ReadinessWait(
        settings, Placements(settings), journal, US, clock, clock.sleep, client_lives=lambda client: None
    )
    opened = journal.open([entry()])
    assert waiting.until_ready(opened, Steps(), published=opened) == []
