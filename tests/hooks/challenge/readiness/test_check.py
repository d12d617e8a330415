"""When a record is ready: the rules, with times as arguments.

The numbers are those of the readiness cases.
"""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from readiness_targets import (
    MANY,
    NAME,
    NS1,
    NS2,
    ONE,
    SILENCE,
    SINGLE,
    SIX,
    TWO,
    answer,
    ask,
    says,
    target,
    wave,
)

from dns01.hooks.challenge.readiness.check import OTHER_ADDRESSES_GRACE, ReadinessCheck, Target
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.message import Response
from dns01.providers.base import Profile

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


@pytest.mark.parametrize(("answered_until", "excused"), [(0.0, 5.0), (3.0, 8.0), (20.0, 25.0), (600.0, 35.0)])
def test_2_a_server_that_answers_our_other_queries_one_by_one_is_not_silent(
    answered_until: float, excused: float
) -> None:
    """Hundreds of names are asked about at once; where there is no TCP, eight at a time."""
    other = "_acme-challenge.example.net"
    watch = ReadinessCheck([target(), target(name=other)])
    watch.due(0)
    says(watch, TWO, answer("new"), 0.1)
    for at in range(int(answered_until) + 1):
        says(watch, ONE, answer("old"), at, other)
    assert NAME not in watch.names_ready(excused - 0.1)
    assert NAME in watch.names_ready(excused)


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
    assert watch.rows()[0].summary == "has 1 of 2 values"

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
    assert watch.ready(0.1 + OTHER_ADDRESSES_GRACE)


@pytest.mark.parametrize("away", [0.0, 0.1, 0.24, 0.3, 1.5, 4.0])
def test_other_addresses_of_a_server_get_as_long_from_the_moment_that_one_shows_it(away: float) -> None:
    """All of them may be on the other side of the world: one more moment, and the second says that it lacks
    the record."""
    watch = ReadinessCheck([target(Server("ns1.example.org", (ONE, SIX)))])
    watch.due(0)
    says(watch, ONE, answer("new"), away)
    assert not watch.ready(away)
    assert watch.pause(away) <= OTHER_ADDRESSES_GRACE + 0.001
    assert not watch.ready(away + OTHER_ADDRESSES_GRACE - 0.01)
    says(watch, SIX, answer("old"), away + OTHER_ADDRESSES_GRACE - 0.01)
    assert not watch.ready(away + 100)


def test_one_that_answers_in_that_time_ends_it() -> None:
    watch = ReadinessCheck([target(Server("ns1.example.org", (ONE, SIX)))])
    says(watch, ONE, answer("new"), 0.3)
    says(watch, SIX, answer("new"), 0.31)
    assert watch.ready(0.31)


def test_they_get_it_anew_where_what_was_seen_is_to_be_seen_anew() -> None:
    """Of two names in a zone, one has vanished: somebody has written the zone over."""
    vanished = "_acme-challenge.example.net"
    server = Server("ns1.example.org", (ONE, SIX))
    watch = ReadinessCheck([target(server, NS2), target(server, name=vanished)])
    for name, later in ((NAME, "new"), (vanished, "old")):
        for address in (ONE, SIX):
            says(watch, address, answer("new"), 0.5, name)
            says(watch, address, answer(later), 9, name)
    assert watch.vanished(9) == [vanished]
    says(watch, TWO, answer("new"), 9.5)
    says(watch, ONE, answer("new"), 9.5)
    assert NAME not in watch.names_ready(9.5)
    assert NAME in watch.names_ready(9.5 + OTHER_ADDRESSES_GRACE)


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


@pytest.mark.parametrize(("waited", "pause"), [(0.5, 0.25), (1, 0.4), (59, 0.4), (60, 3.0), (200, 5.0)])
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
    watch.drop([NAME], 0.1)

    assert watch.names_ready(0.1) == []
    assert not watch.over(0.1)
    assert watch.late(29) == []
    assert watch.late(30) == [other]
    says(watch, ONE, answer("old"), 31)  # an answer that was still under way
    watch.drop([other], 31)
    assert watch.over(31)


@pytest.mark.parametrize("first", ["old", "new"], ids=["that lacks them", "that has what is asked about"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_names_that_others_stood_for_are_not_ready_when_nobody_waits_for_those_any_more(
    first: str, count: int
) -> None:
    """As of certificates that the CA has refused meanwhile: their names may be all that was asked about."""
    check = wave(MANY, NS1, NS2)
    for at in (0.0, 5.0, 10.0):
        asked = ask(check, at, "old")

    if first == "new":  # what is left of those that are asked about
        for name in asked[count:]:
            says(check, ONE, answer("new"), 10.1, name)
    check.drop(asked[:count], 10.2)

    assert set(check.names_ready(10.2)) <= set(asked)
    assert set(MANY) - set(asked) <= set(ask(check, 10.3, "old"))
    assert set(check.names_ready(16)) <= set(asked)
    assert check.waiting_for(16) == ["ns1.example.org"]


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
