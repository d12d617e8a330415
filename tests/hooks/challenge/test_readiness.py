"""When a record is ready: the rules with an injected clock, and the cases over real sockets.

The numbers are those of the readiness cases; times in the socket tests are scaled down.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from threading import Timer

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from testbed import TIME_LIMIT, Bind
from testbed.client import ask as ask_server
from testbed.client import values as texts
from testbed.nameserver import NameServer, RateLimit
from testbed.zone import Zone

from dns01.errors import ClientGone, NotReady
from dns01.hooks.challenge.readiness import ReadinessCheck, Target
from dns01.hooks.challenge.server_wait import EachName, wait
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.message import Query, Response
from dns01.hooks.dns.transport import Transport
from dns01.providers.base import Profile

NAME = "_acme-challenge.example.org"
ONE, TWO = Address("127.1.0.1"), Address("127.1.0.2")
SIX = Address("fd53::12")
NS1, NS2 = Server("ns1.example.org", (ONE,)), Server("ns2.example.org", (TWO,))
SINGLE = Profile(rounds=1)


def target(
    *servers: Server, values: tuple[str, ...] = ("new",), profile: Profile = SINGLE, name: str = NAME
) -> Target:
    return Target(name, frozenset(values), servers or (NS1, NS2), profile)


def answer(*values: str, authoritative: bool = True, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Response:
    message = dns.message.make_response(dns.message.make_query(NAME, "TXT"))
    message.flags |= dns.flags.AA if authoritative else dns.flags.RA
    message.set_rcode(rcode)
    if values:
        message.answer.append(dns.rrset.from_text(NAME + ".", 60, "IN", "TXT", *values))
    return Response(message)


SILENCE = Response(None, "timed out")


def says(watch: ReadinessCheck, address: Address, what: Response, at: float, name: str = NAME) -> None:
    watch.saw(Query(address, name, dns.rdatatype.TXT), what, at)


# The rules


def test_every_address_is_asked_at_once() -> None:
    assert {question.server for question in ReadinessCheck([target()]).due(0)} == {ONE, TWO}


def test_ready_only_when_every_server_has_the_value() -> None:
    watch = ReadinessCheck([target()])

    says(watch, ONE, answer("new"), 0.1)
    assert not watch.ready(0.1)

    says(watch, TWO, answer("new"), 0.2)
    assert watch.ready(0.2)


def test_1_a_server_that_lags_20_seconds_is_waited_for_and_named() -> None:
    watch = ReadinessCheck([target()])
    says(watch, ONE, answer("new"), 0.1)
    says(watch, TWO, answer(rcode=dns.rcode.NXDOMAIN), 19.9)

    assert not watch.ready(19.9)
    assert watch.waiting_for(19.9) == ["ns2.example.org"]


def test_2_a_silent_server_is_excused_after_five_seconds_and_named() -> None:
    watch = ReadinessCheck([target()])
    says(watch, ONE, answer("new"), 0.1)

    assert not watch.ready(4.9)
    assert watch.ready(5.0)
    assert watch.excused(5.0) == ["ns2.example.org (127.1.0.2: no answer)"]


@pytest.mark.parametrize("lame", [answer(rcode=dns.rcode.REFUSED), answer("new", authoritative=False)])
def test_3_and_21_a_server_without_authority_is_excused_and_never_believed(lame: Response) -> None:
    watch = ReadinessCheck([target()])
    says(watch, ONE, answer("new"), 0.1)
    says(watch, TWO, lame, 0.1)

    assert not watch.ready(4.9)
    assert watch.ready(5.0)
    assert "ns2.example.org" in watch.excused(5.0)[0]


def test_4_a_server_with_an_old_value_is_never_excused() -> None:
    watch = ReadinessCheck([target()])
    says(watch, ONE, answer("new"), 0.1)
    says(watch, TWO, answer("old"), 0.1)

    assert not watch.ready(3000)


def test_5_an_anycast_server_must_answer_three_times_in_a_row_two_seconds_apart() -> None:
    watch = ReadinessCheck([target(NS1, profile=Profile(rounds=3))])

    for at, values in ((0.1, "new"), (2.1, "old"), (2.4, "new"), (4.4, "new")):
        watch.due(at)
        says(watch, ONE, answer(values), at)
        assert not watch.ready(at)
    assert watch.due(6.3) == []
    assert len(watch.due(6.4)) == 1
    says(watch, ONE, answer("new"), 6.4)
    assert watch.ready(6.4)


def test_6_one_of_two_values_is_not_enough() -> None:
    watch = ReadinessCheck([target(NS1, values=("one", "two"))])

    says(watch, ONE, answer("one"), 0.1)
    assert not watch.ready(0.1)
    assert watch.rows()[0].words == "has 1 of 2 values"

    says(watch, ONE, answer("two", "one", "foreign"), 0.4)
    assert watch.ready(0.4)


def test_11_a_value_in_two_strings_matches() -> None:
    watch = ReadinessCheck([target(NS1, values=("firstsecond",))])
    says(watch, ONE, answer('"first" "second"'), 0.1)
    assert watch.ready(0.1)


def test_12_a_value_within_another_does_not_match() -> None:
    watch = ReadinessCheck([target(NS1, values=("value",))])
    says(watch, ONE, answer("a-value-b"), 0.1)
    assert not watch.ready(0.1)


def test_7_and_37_a_dead_address_of_a_server_costs_nothing_when_its_other_has_the_record() -> None:
    watch = ReadinessCheck([target(Server("ns1.example.org", (ONE, SIX)))])
    says(watch, ONE, answer("new"), 0.1)
    assert watch.ready(0.25)


def test_an_address_that_lacks_the_value_holds_its_server_up() -> None:
    watch = ReadinessCheck([target(Server("ns1.example.org", (ONE, SIX)))])
    says(watch, ONE, answer("new"), 0.1)
    says(watch, SIX, answer("old"), 0.2)
    assert not watch.ready(100)


def test_fewer_than_half_of_the_servers_are_not_enough() -> None:
    third = Server("ns3.example.org", (Address("127.1.0.3"),))
    watch = ReadinessCheck([target(NS1, NS2, third)])
    says(watch, ONE, answer("new"), 0.1)
    assert not watch.ready(100)


def test_a_server_without_an_address_is_excused_and_named() -> None:
    watch = ReadinessCheck([target(NS1, Server("ns9.example.org", ()))])
    says(watch, ONE, answer("new"), 0.1)
    assert watch.ready(0.1)
    assert watch.excused(0.1) == ["ns9.example.org (no address)"]


@pytest.mark.parametrize(("waited", "pause"), [(0.5, 0.25), (1, 0.5), (59, 0.5), (60, 3.0), (200, 5.0)])
def test_the_pace_is_half_a_second_in_the_first_minute_and_then_a_twentieth_of_the_time_waited(
    waited: float, pause: float
) -> None:
    watch = ReadinessCheck([target(NS1)])
    watch.due(0)
    says(watch, ONE, answer("old"), waited)

    assert watch.due(waited + pause - 0.01) == []
    assert len(watch.due(waited + pause)) == 1


def test_20_and_21_who_was_silent_or_intercepted_for_half_a_minute_may_be_substituted() -> None:
    watch = ReadinessCheck([target()._replace(substitute=True)])
    says(watch, ONE, SILENCE, 5)
    says(watch, TWO, answer("new", authoritative=False), 0.1)

    assert not watch.over(29.9)
    assert watch.over(30)
    assert watch.unready(30) == [NAME]
    assert watch.intercepted() == [TWO]


def test_20_nobody_is_substituted_while_a_server_lacks_the_value() -> None:
    third = Server("ns3.example.org", (Address("127.1.0.3"),))
    watch = ReadinessCheck([target(NS1, NS2, third)._replace(substitute=True)])
    says(watch, ONE, answer("old"), 0.1)

    assert not watch.over(100)

    says(watch, ONE, SILENCE, 100)  # and it falls silent only now
    assert not watch.over(129.9)
    assert watch.over(130)


def test_20_one_of_two_servers_that_has_it_needs_no_substitute() -> None:
    watch = ReadinessCheck([target()._replace(substitute=True)])
    says(watch, ONE, answer("new"), 0.1)

    assert watch.over(5)
    assert watch.unready(5) == []


def test_20_a_name_of_no_servers_at_all_may_be_substituted() -> None:
    watch = ReadinessCheck([Target(NAME, frozenset({"new"}), (), SINGLE, substitute=True)])
    assert not watch.over(29.9)
    assert watch.over(30)


def test_the_timeout_is_that_of_each_name() -> None:
    other = "_acme-challenge.example.net"
    watch = ReadinessCheck([target(NS1), target(NS1, name=other, profile=Profile(rounds=1, timeout=30))])
    says(watch, ONE, answer("new"), 0.1, other)

    assert not watch.overdue(30)
    assert watch.overdue(600)


def test_a_name_that_is_ready_by_itself_is_told_and_asked_about_no_more() -> None:
    other = "_acme-challenge.example.net"
    watch = ReadinessCheck([target(NS1), target(NS1, name=other, profile=Profile(rounds=1, timeout=30))])
    watch.due(0)
    says(watch, ONE, answer("new"), 0.1)

    assert watch.names_ready(0.1) == [NAME]
    watch.drop([NAME])

    assert watch.names_ready(0.1) == []
    assert not watch.over(0.1)
    assert watch.late(29) == []
    assert watch.late(30) == [other]
    says(watch, ONE, answer("old"), 31)  # an answer that was still under way
    watch.drop([other])
    assert watch.over(31)


# A few names for all


MANY = [f"_acme-challenge.n{number}.example.org" for number in range(100)]


def wave(names: list[str] = MANY, *servers: Server, profile: Profile = SINGLE) -> ReadinessCheck:
    return ReadinessCheck(
        [
            target(*(servers or (NS1,)), name=name, profile=profile)._replace(zone="example.org")
            for name in names
        ]
    )


def ask(check: ReadinessCheck, at: float, *values: str, second: str = "new") -> list[str]:
    """Let both servers answer all that they are asked at that moment, the first one with these values and
    the second one with its own; gives the names that the first was asked about."""
    queries = check.due(at)
    for query in queries:
        says(check, query.server, answer(*(values if query.server == ONE else [second])), at, query.name)
    return [query.name for query in queries if query.server == ONE]


def test_48_while_a_server_lacks_the_change_three_names_stand_for_all_the_last_one_among_them() -> None:
    check = wave()

    asked = ask(check, 0.1, "old")

    assert len(asked) == 3
    assert MANY[-1] in asked
    assert not check.ready(0.1)
    assert ask(check, 0.4, "old") == asked


def test_48_when_they_are_there_every_name_is_asked_about_and_ready_means_every_one() -> None:
    check = wave()
    few = ask(check, 0.1, "new")
    assert check.names_ready(0.3) == [name for name in MANY if name in few]

    rest = {query.name for query in check.due(0.3)}
    assert rest == set(MANY) - set(few)
    for name in sorted(rest)[1:]:
        says(check, ONE, answer("new"), 0.4, name)
    assert check.unready(0.4) == [sorted(rest)[0]]

    says(check, ONE, answer("new"), 0.5, sorted(rest)[0])
    assert check.ready(0.5)


def test_48_one_name_that_is_behind_is_asked_about_by_itself_and_never_passed_over() -> None:
    check = wave()
    ask(check, 0.1, "new")
    rest = [query.name for query in check.due(0.2)]
    for name in rest:
        says(check, ONE, answer("old" if name == rest[0] else "new"), 0.2, name)

    assert check.unready(3000) == [rest[0]]
    assert ask(check, 1.0, "new") == [rest[0]]
    assert check.ready(1.0)


def test_48_where_most_turn_out_to_be_missing_a_few_stand_for_those_again() -> None:
    check = wave()
    ask(check, 0.1, "new")
    rest = ask(check, 0.2, "old")
    assert len(rest) == 97

    assert len(ask(check, 1.0, "old")) == 3
    ask(check, 2.0, "new")
    assert len(ask(check, 2.1, "new")) == 94
    assert check.ready(2.1)


def test_48_each_server_is_held_up_by_itself() -> None:
    check = wave(MANY, NS1, NS2)
    ask(check, 0.1, "old")
    ask(check, 0.2, "old")

    assert len(ask(check, 1.0, "old")) == 3
    assert check.waiting_for(1.0) == ["ns1.example.org"]
    assert not check.ready(1.0)


def test_48_a_silent_server_is_silent_for_every_name_and_excused_after_the_same_time() -> None:
    check = wave(MANY, NS1, NS2)
    for at in (0.1, 0.2):
        for query in check.due(at):
            check.saw(query, answer("new") if query.server == ONE else SILENCE, at)

    assert not check.ready(4.9)
    assert check.ready(5)


def test_48_an_error_for_the_few_says_nothing_of_the_others() -> None:
    check = wave()
    for query in check.due(0.1):
        check.saw(query, answer(rcode=dns.rcode.SERVFAIL), 0.1)

    assert len(ask(check, 0.2, "old")) == 97
    assert not check.ready(3000)


def test_48_zones_do_not_stand_for_one_another() -> None:
    zones = [target(NS1, name=name)._replace(zone=name) for name in MANY]
    assert len(ReadinessCheck(zones).due(0)) == 100


def test_48_anycast_servers_are_asked_three_times_about_every_name() -> None:
    check = wave(profile=Profile(rounds=3))
    for at in (0.1, 0.2, 2.2):
        ask(check, at, "new")
        assert not check.ready(at)
    ask(check, 4.2, "new")
    assert check.ready(4.2)


def test_48_a_hundred_names_with_a_lag_of_twenty_seconds_cost_few_questions() -> None:
    check = wave(MANY, NS1, NS2, Server("ns3.example.org", (Address("127.1.0.3"),)))
    questions = 0
    for tick in range(2100):
        now = tick / 100
        for query in check.due(now):
            questions += 1
            check.saw(query, answer("new" if now > 20 else "old"), now)
        if check.ready(now):
            break
    assert 20 < now < 20.6
    assert questions <= 1500


# What vanishes during the wait


def test_45_a_value_that_a_server_had_and_none_has_any_more_is_to_be_published_again() -> None:
    check = ReadinessCheck([target()])
    says(check, ONE, answer("new"), 0.1)
    says(check, TWO, answer("old"), 0.1)
    assert check.vanished(0.1) == []
    assert {query.server for query in check.due(5.2)} == {ONE, TWO}  # who passes is asked again now and then

    says(check, ONE, answer("of another writer"), 5.2)
    assert check.vanished(5.2) == [NAME]

    for address in (ONE, TWO):
        says(check, address, answer("of another writer", "new"), 6)
    assert check.ready(6)


def test_45_what_was_nowhere_yet_has_not_vanished() -> None:
    check = ReadinessCheck([target()])
    for at in (0.1, 5, 300):
        says(check, ONE, answer("old"), at)
        says(check, TWO, answer(), at)
        assert check.vanished(at) == []


def test_45_what_another_server_still_has_has_not_vanished() -> None:
    check = ReadinessCheck([target()])
    says(check, ONE, answer("new"), 0.1)
    says(check, TWO, answer("new"), 0.1)
    says(check, ONE, answer("old"), 5.2)
    assert check.vanished(5.2) == []


def test_45_of_several_primaries_one_may_lose_what_the_others_keep() -> None:
    check = ReadinessCheck([target()._replace(several=True)])
    says(check, ONE, answer("new"), 0.1)
    says(check, TWO, answer("new"), 0.1)
    says(check, ONE, answer("old"), 5.2)
    assert check.vanished(5.2) == [NAME]
    assert check.vanished(5.3) == []


def test_45_of_several_primaries_one_that_never_had_it_is_only_slow() -> None:
    check = ReadinessCheck([target()._replace(several=True)])
    says(check, ONE, answer("old"), 0.1)
    says(check, TWO, answer("new"), 0.1)
    assert check.vanished(0.1) == []


def test_45_a_server_that_falls_silent_has_lost_nothing() -> None:
    check = ReadinessCheck([target()])
    says(check, ONE, answer("new"), 0.1)
    says(check, TWO, SILENCE, 4)
    says(check, ONE, SILENCE, 6)
    assert check.vanished(6) == []
    assert check.ready(9)


def test_45_whoever_removes_it_every_time_wins_in_the_end() -> None:
    check = ReadinessCheck([target(NS1)])
    published_again = 0
    for at in range(0, 600, 6):
        says(check, ONE, answer("new"), at)
        says(check, ONE, answer(), at + 1)
        published_again += len(check.vanished(at + 1))
    assert published_again == 3


def test_45_the_other_names_of_the_zone_are_looked_at_again() -> None:
    check = wave(MANY[:4], NS1, NS2)
    ask(check, 0.1, "new", second="old")
    ask(check, 0.2, "new", second="old")

    watched = ask(check, 6, "old", second="old")
    assert set(check.vanished(6)) == set(watched)
    assert set(ask(check, 6.1, "old", second="old")) == set(MANY[:4]) - set(watched)
    assert set(check.vanished(6.1)) == set(MANY[:4]) - set(watched)


# Over real sockets


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

    assert told == [[NAME], (other,)]


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

    wait([target(profile=QUICK._replace(rounds=3))], round_interval=0.1)

    assert time.monotonic() - began > 1.0


def test_9_udp_dropped_and_tcp_open_is_ready(zone: Zone, servers: list[NameServer]) -> None:
    servers[0].drop_udp = True
    zone.set(NAME, "TXT", "new")

    wait([target(NS1, profile=QUICK)], transport=lambda: Transport(datagram_timeout=0.1))

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
        wait(targets, transport=lambda: Transport(datagram_timeout=2 * TIME_LIMIT))


def test_a_hundred_names_at_a_server_without_tcp(zone: Zone, servers: list[NameServer]) -> None:
    servers[0].drop_tcp = True

    wait(hundred_names(zone), transport=lambda: Transport(stream_timeout=0.2))

    assert len([question for question in servers[0].questions if question.over == "udp"]) == 100


def hundred_names(zone: Zone) -> list[Target]:
    names = [f"_acme-challenge.host{number}.example.org" for number in range(100)]
    for name in names:
        zone.set(name, "TXT", "new")
    return [target(NS1, name=name, profile=QUICK) for name in names]
