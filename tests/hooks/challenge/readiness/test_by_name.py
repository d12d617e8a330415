"""Many names at the same servers: a few are asked about until those are there.

The numbers are those of the readiness cases.
"""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from readiness_targets import MANY, NS1, NS2, ONE, SILENCE, answer, ask, says, target, wave

from dns01.hooks.challenge.readiness.check import ReadinessCheck
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.destination import Server
from dns01.providers.base import Profile


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
