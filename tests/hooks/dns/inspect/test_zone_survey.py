"""A look at a whole zone: its parent's word, and each server's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testbed import NameServer, World, Zone

from dns01.errors import DelegationError
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.cname_chain import Discovery
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.inspect.zone_survey import (
    ZoneSurvey,
    recheck_serials,
    recheck_turns,
    survey_named_servers,
    survey_zone,
)
from dns01.hooks.dns.timing import Timing

NS1, NS2 = "127.1.0.1", "127.1.0.2"
BOTH = {"ns1.example.org": NS1, "ns2.example.org": NS2}
NAMED = [Server(host, (Address(ip),)) for host, ip in BOTH.items()]
SHORT = Timing(survey=1.0, catch_up=0)


def no_sleep(seconds: float) -> None:
    """Nobody catches up meanwhile."""


def copy(serial: int, mname: str = "ns1.example.org.") -> Zone:
    zone = Zone("example.org", "", BOTH)
    zone.set("example.org", "SOA", f"{mname} hostmaster.example.org. {serial} 2 3 4 5")
    return zone


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def named(first: NameServer, second: NameServer, timing: Timing = SHORT) -> ZoneSurvey:
    """What two servers that the configuration names say."""
    with first, second:
        return survey_named_servers(NAMED, "example.org", timing, sleep=no_sleep)


def look_at_world(world: World, *texts: str) -> ZoneSurvey:
    discovery = Discovery([Address(world.resolver.address)])
    return survey_zone(discovery, "example.org", texts, sleep=no_sleep)


# By delegation


def test_a_zone_is_seen_with_its_delegation_its_servers_and_its_records(world: World) -> None:
    world.zone("example.org", BOTH, "_acme-challenge TXT here")
    seen = look_at_world(world, "_acme-challenge.example.org")
    assert set(seen.delegated) == set(BOTH)
    assert {server.address.ip for server in seen.answers} == {NS1, NS2}
    assert all(server.texts["_acme-challenge.example.org"].texts == {"here"} for server in seen.answers)
    assert (seen.behind, seen.aliases, seen.homeless, seen.ds) == ((), {}, (), None)
    assert not seen.intercepted


def test_a_server_that_answers_datagrams_after_all_is_no_longer_asked_over_tcp_alone(world: World) -> None:
    world.zone("example.org", BOTH)
    discovery = Discovery([Address(world.resolver.address)])
    discovery.learn_transports(tcp_only=map(Address, BOTH.values()), by_datagram=())
    survey_zone(discovery, "example.org", sleep=no_sleep)
    assert not discovery.tcp_only


def test_the_ds_at_the_parent_is_seen(world: World) -> None:
    world.zone("example.org", BOTH)
    world.zones["org"].set("example.org", "DS", "12345 13 2 " + "ab" * 32)
    seen = look_at_world(world)
    assert seen.ds is not None
    assert seen.ds[0].key_tag == 12345


def test_a_server_s_name_that_is_nowhere_is_homeless(world: World) -> None:
    zone = world.zone("example.org", {"ns1.example.org": NS1})
    zone.add("example.org", "NS", "lost.example.org.")
    assert look_at_world(world).homeless == ("lost.example.org",)


def test_what_nothing_leads_to_cannot_be_surveyed() -> None:
    with NameServer("127.1.0.9") as resolver:
        resolver.rcode = "SERVFAIL"
        with pytest.raises(DelegationError):
            survey_zone(Discovery([Address("127.1.0.9")], timing=SHORT), "example.org")


# By what the configuration names


def test_copies_of_one_serial_are_level() -> None:
    seen = named(NameServer(NS1, zones=[copy(5)]), NameServer(NS2, zones=[copy(5)]))
    assert seen.behind == ()
    assert seen.newest is not None
    assert seen.newest.serial == 5


@pytest.mark.parametrize(
    ("low", "high"), [(3, 5), (4294967295, 1)], ids=["plain", "beyond the end of the circle"]
)
def test_a_copy_with_a_lower_serial_is_behind(low: int, high: int) -> None:
    seen = named(NameServer(NS1, zones=[copy(high)]), NameServer(NS2, zones=[copy(low)]))
    assert [server.address.ip for server in seen.behind] == [NS2]
    assert seen.newest is not None
    assert seen.newest.serial == high


def test_copies_of_different_primaries_count_each_by_itself() -> None:
    seen = named(NameServer(NS1, zones=[copy(5)]), NameServer(NS2, zones=[copy(3, "ns2.example.org.")]))
    assert seen.behind == ()


def test_a_server_that_is_silent_or_refuses_is_not_behind() -> None:
    silent, refusing = NameServer(NS1, zones=[copy(5)]), NameServer(NS2, zones=[copy(5)])
    silent.silent, refusing.rcode = True, "REFUSED"
    seen = named(silent, refusing)
    assert (seen.behind, seen.newest) == ((), None)
    assert [server.silent for server in seen.answers] == [True, False]
    assert [server.lame for server in seen.answers] == [False, True]


def test_resolvers_in_the_place_of_all_servers_are_told_from_one_of_them() -> None:
    found = []
    for number in (1, 2):
        servers = NameServer(NS1, zones=[copy(5)]), NameServer(NS2, zones=[copy(5)])
        for server in servers[:number]:
            server.intercepted = True
        found.append(named(*servers).intercepted)
    assert found == [False, True]


# By the primary's own serial


def test_a_copy_that_does_not_have_the_primary_s_serial_after_a_while_is_behind() -> None:
    waited: list[float] = []
    with NameServer(NS1, zones=[copy(5)]), NameServer(NS2, zones=[copy(5)]):
        level = survey_named_servers(NAMED, "example.org", SHORT, sleep=no_sleep)
        seen = recheck_serials(level, 6, Timing(survey=1.0, catch_up=2), sleep=waited.append)
    assert {server.address.ip for server in seen.behind} == {NS1, NS2}
    assert waited == [2]


def test_a_copy_that_has_caught_up_meanwhile_is_not() -> None:
    zone = copy(5)
    with NameServer(NS1, zones=[zone]), NameServer(NS2, zones=[zone]):
        level = survey_named_servers(NAMED, "example.org", SHORT, sleep=no_sleep)
        seen = recheck_serials(
            level,
            6,
            SHORT,
            sleep=lambda seconds: zone.set(
                "example.org", "SOA", "ns1.example.org. hostmaster.example.org. 6 2 3 4 5"
            ),
        )
    assert seen.behind == ()


@pytest.mark.parametrize("serial", [None, 5, 4], ids=["unknown", "the same", "lower"])
def test_where_nobody_lacks_the_primary_s_serial_nobody_is_asked_again(serial: int | None) -> None:
    level = named(NameServer(NS1, zones=[copy(5)]), NameServer(NS2, zones=[copy(5)]))
    assert recheck_serials(level, serial, SHORT, sleep=no_sleep) is level


# By the serials of other answers


def later(
    seen: int, serial: int, waited: list[float], *, by_turns: bool = False
) -> list[tuple[str, int | None, bool]]:
    """(address, serial, by turns) of what is found of two servers with the serial 5, of which the second has
    shown another one (``seen``), and then has ``serial``."""
    zone = copy(5)
    with NameServer(NS1, zones=[copy(5)]), NameServer(NS2, zones=[zone]) as server:
        level = survey_named_servers(NAMED, "example.org", SHORT, sleep=no_sleep)
        if by_turns:
            server.alternate()
        zone.set("example.org", "SOA", f"ns1.example.org. hostmaster.example.org. {serial} 2 3 4 5")
        timing = Timing(survey=1.0, catch_up=2)
        found = recheck_turns(level, {Address(NS2): {seen}}, timing, sleep=waited.append)
    return [(each.address.ip, each.serial, each.uneven) for each in found]


def test_an_address_that_shows_an_older_serial_by_turns_has_several_machines() -> None:
    waited: list[float] = []
    assert later(6, 6, waited, by_turns=True) == [(NS2, 5, True)]
    assert waited == [2]


def test_an_address_that_has_gone_on_to_a_newer_serial_has_one() -> None:
    assert later(6, 6, []) == []


def test_an_address_that_has_shown_one_serial_alone_is_not_asked_again() -> None:
    waited: list[float] = []
    assert later(5, 6, waited) == []
    assert waited == []
