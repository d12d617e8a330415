"""The wait for name servers over real sockets: the readiness cases, in times scaled down."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from threading import Timer

import pytest
from readiness_targets import NAME, NS1, ONE, SIX, TWO, target
from testbed import TIME_LIMIT, Bind
from testbed.client import ask as ask_server
from testbed.client import values as texts
from testbed.nameserver import NameServer, RateLimit
from testbed.zone import Zone

from dns01.errors import ClientGone, NotReady
from dns01.hooks.challenge.readiness.check import Target
from dns01.hooks.challenge.readiness.server_wait import EachName, wait
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.timing import Timing
from dns01.providers.base import Profile


@pytest.fixture
def zone() -> Zone:
    return Zone("example.org", "", {"ns1.example.org": "127.1.0.1", "ns2.example.org": "127.1.0.2"})


@pytest.fixture
def servers(zone: Zone) -> Iterator[list[NameServer]]:
    with NameServer(ONE.ip, zones=[zone]) as one, NameServer(TWO.ip, zones=[zone]) as two:
        yield [one, two]


QUICK = Profile(rounds=1, timeout=TIME_LIMIT, patience=0.5)


def seconds_to(*targets: Target) -> float:
    began = time.monotonic()
    wait(targets)
    return time.monotonic() - began


def test_a_record_that_is_there_is_ready_at_once(zone: Zone, servers: list[NameServer]) -> None:
    zone.set(NAME, "TXT", "new")
    wait([target(profile=QUICK)])
    assert [len(server.questions) for server in servers] == [1, 1]


def test_1_and_23_a_lagging_secondary_is_waited_for_no_longer_than_needed(
    zone: Zone, servers: list[NameServer]
) -> None:
    servers[1].lag = 1.0
    zone.set(NAME, "TXT", "new")
    there = time.monotonic() + servers[1].lag
    wait([target(profile=QUICK)])
    assert [question.at > there for question in servers[1].questions].count(True) == 1


def test_each_name_goes_on_by_itself_and_one_that_is_late_costs_the_others_nothing(
    zone: Zone, servers: list[NameServer]
) -> None:
    other = "_acme-challenge.late.example.org"
    told: list[object] = []
    zone.set(NAME, "TXT", "new")
    profile = QUICK._replace(timeout=1)

    wait(
        [target(profile=QUICK), target(name=other, profile=profile)],
        each=EachName(told.append, lambda error: told.append(error.names)),
    )

    assert told == [{NAME: 60}, (other,)]


def test_a_name_that_nobody_wants_any_more_holds_the_wait_up_no_longer(
    zone: Zone, servers: list[NameServer]
) -> None:
    missing = "_acme-challenge.missing.example.org"
    ready: list[str] = []
    late: list[NotReady] = []
    zone.set(NAME, "TXT", "new")

    wait(
        [target(profile=QUICK), target(name=missing, profile=QUICK)],
        each=EachName(ready.extend, late.append, lambda name: name == NAME or not ready),
    )

    assert (ready, late) == ([NAME], [])


def test_45_what_another_writer_removes_during_the_wait_is_published_again(
    zone: Zone, servers: list[NameServer]
) -> None:
    zone.set(NAME, "TXT", "old")
    servers[1].freeze()
    zone.set(NAME, "TXT", "new")
    Timer(0.5, zone.set, (NAME, "TXT", "of another writer")).start()

    def publish_again(names: list[str]) -> None:
        assert names == [NAME]
        zone.set(NAME, "TXT", "of another writer", "new")
        servers[1].thaw()

    wait([target(profile=QUICK)], republish=publish_again)

    assert '"new"' in texts(ask_server(NAME, "TXT", ONE.ip))


@pytest.mark.parametrize("lives_for", [0, 1])
def test_46_the_wait_ends_with_its_client(zone: Zone, servers: list[NameServer], lives_for: int) -> None:
    looks = iter([True] * lives_for)
    with pytest.raises(ClientGone, match="the ACME client ended"):
        wait([target(profile=QUICK)], client_lives=lambda: next(looks, False))


def test_2_over_sockets_a_silent_server_is_excused(zone: Zone, servers: list[NameServer]) -> None:
    servers[1].silent = True
    zone.set(NAME, "TXT", "new")
    assert seconds_to(target(profile=QUICK)) > 0.4


def test_4_over_sockets_an_old_value_ends_in_a_report_of_every_server(
    zone: Zone, servers: list[NameServer]
) -> None:
    zone.set(NAME, "TXT", "old")
    servers[1].freeze()
    zone.set(NAME, "TXT", "new")

    with pytest.raises(NotReady, match=NAME) as caught:
        wait([target(profile=QUICK._replace(timeout=2))])

    name, *lines = caught.value.report
    assert name == NAME
    assert [re.sub(r"\d+ s$", "… s", line) for line in lines] == [
        "  ns1.example.org  127.1.0.1  has it                  since … s",
        "  ns2.example.org  127.1.0.2  has 1 other value only  since … s",
    ]


def test_5_over_sockets_an_alternating_server_is_not_believed_before_it_stops(
    zone: Zone, servers: list[NameServer]
) -> None:
    zone.set(NAME, "TXT", "old")
    servers[0].alternate()
    zone.set(NAME, "TXT", "new")
    Timer(1.0, servers[0].thaw).start()
    began = time.monotonic()

    wait([target(profile=QUICK._replace(rounds=3))], timing=Timing(round=0.1))

    assert time.monotonic() - began > 1.0


def test_9_udp_dropped_and_tcp_open_is_ready(zone: Zone, servers: list[NameServer]) -> None:
    servers[0].drop_udp = True
    zone.set(NAME, "TXT", "new")

    wait([target(NS1, profile=QUICK)], timing=Timing(datagram=0.1))

    assert [question.over for question in servers[0].asked(NAME)] == ["udp", "udp", "tcp"]


def test_10_a_truncated_answer_with_many_stale_values_is_read_over_tcp(
    zone: Zone, servers: list[NameServer]
) -> None:
    zone.set(NAME, "TXT", "new", *(f"stale-{number:037}" for number in range(60)))
    wait([target(profile=QUICK)])
    assert "tcp" in [question.over for question in servers[0].asked(NAME)]


def test_37_over_sockets_an_ipv6_address_that_swallows_everything_costs_next_to_nothing(zone: Zone) -> None:
    zone.set(NAME, "TXT", "new")
    patient = QUICK._replace(patience=TIME_LIMIT)
    with NameServer(ONE.ip, zones=[zone]), NameServer(SIX.ip, zones=[zone]) as hole:
        hole.silent = True
        assert seconds_to(target(Server("ns1.example.org", (ONE, SIX)), profile=patient)) < TIME_LIMIT / 2


def test_8_a_host_with_ipv6_only_works(zone: Zone) -> None:
    zone.set(NAME, "TXT", "new")
    with NameServer(SIX.ip, zones=[zone]):
        wait([target(Server("ns1.example.org", (SIX,)), profile=QUICK)])


def test_38_a_hundred_names_at_a_server_that_limits_its_rate(zone: Zone, servers: list[NameServer]) -> None:
    servers[0].rate_limit = RateLimit(5)

    wait(hundred_names(zone))

    assert len(servers[0].questions) == 100


def test_38_a_hundred_names_at_a_bind_that_limits_its_rate() -> None:
    names = [f"_acme-challenge.host{number}" for number in range(100)]
    zone = "\n".join(f'{name} TXT "new"' for name in names)
    limit = "rate-limit { responses-per-second 5; slip 0; };"
    with Bind(ONE.ip, {"example.org": zone}, extra_options=limit):
        targets = [target(NS1, name=f"{name}.example.org", profile=QUICK) for name in names]
        # What is dropped is not had at all.
        wait(targets, timing=Timing(datagram=2 * TIME_LIMIT))


def test_a_hundred_names_at_a_server_without_tcp(zone: Zone, servers: list[NameServer]) -> None:
    servers[0].drop_tcp = True

    wait(hundred_names(zone), timing=Timing(stream=0.2))

    assert len([question for question in servers[0].questions if question.over == "udp"]) == 100


def hundred_names(zone: Zone) -> list[Target]:
    names = [f"_acme-challenge.host{number}.example.org" for number in range(100)]
    for name in names:
        zone.set(name, "TXT", "new")
    return [target(NS1, name=name, profile=QUICK) for name in names]
