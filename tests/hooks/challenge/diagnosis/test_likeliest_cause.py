"""Why a record is not ready, or was refused: each cause planted in a DNS of our own, and named."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest
from calls import BOTH as STAGED
from calls import NAME as STAGED_NAME
from calls import Stage
from signed import SignedBind
from testbed import TIME_LIMIT, Bind, NameServer, World, Zone, own
from testbed.sockets import Transport
from testbed.world import HostedZone

from dns01.errors import NotReady
from dns01.hooks.challenge.diagnosis.cause import Cause
from dns01.hooks.challenge.diagnosis.evidence import gather_evidence
from dns01.hooks.challenge.diagnosis.likeliest_cause import blamed, find_cause, likeliest, within
from dns01.hooks.challenge.readiness.check import Target
from dns01.hooks.challenge.readiness.server_wait import wait
from dns01.hooks.config.load import load_settings
from dns01.hooks.config.settings import Settings
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.timing import Timing
from dns01.hooks.state.journal import Entry
from dns01.providers.base import Profile

NAME = "_acme-challenge.example.org"
NS1, NS2, PRIMARY = "127.1.0.1", "127.1.0.2", "127.1.0.9"
BOTH = {"ns1.example.org": NS1, "ns2.example.org": NS2}
SOA = "ns1.example.org. hostmaster.example.org. {} 3600 600 86400 60"
HIDDEN = "@ SOA hidden.example.org. hostmaster {} 3600 600 86400 60\nhidden A " + PRIMARY
VALUE = "x" * 43


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def example(world: World) -> HostedZone:
    return world.zone("example.org", BOTH)


def entry(name: str = NAME, zone: str = "example.org", target: str = "") -> Entry:
    domain = name.removeprefix("_acme-challenge.")
    return Entry(domain, "token", name, target or name, VALUE, 60, "memory", "memory", zone, "", None)


def configured(world: World, **environ: str) -> Settings:
    """Where little time is lost with servers that are silent or behind."""
    variables = {
        "DNS01_PROVIDER": "memory",
        "DNS01_MEMORY_ZONES": "example.org",
        "DNS01_RESOLVERS": world.resolver.address,
        **environ,
    }
    return replace(load_settings(variables), timing=Timing(zone_query=2, survey=2, catch_up=0.01))


def likely_cause(world: World, *entries: Entry, **environ: str) -> Cause:
    return likeliest(gather_evidence(entries or (entry(),), configured(world, **environ)))


# Not there yet


def test_no_server_has_it_yet(world: World, example: HostedZone) -> None:
    found = likely_cause(world)

    assert found.code == "not-yet"
    assert found.description == (
        "the provider took the record, but none of ns1.example.org, ns2.example.org has it yet: it is slow, "
        "or the zone example.org in the account is not the one that these servers have"
    )
    assert "DNS01_TIMEOUT" in found.remedy


def test_it_is_on_its_way(world: World, example: HostedZone) -> None:
    world.servers[NS2].freeze()
    example.set(NAME, "TXT", VALUE)

    found = likely_cause(world)

    assert found.code == "not-yet"
    assert found.description == f"it is on its way: ns1.example.org ({NS1}) has it, ns2.example.org not yet"


def test_a_stale_secondary(world: World, example: HostedZone) -> None:
    world.servers[NS2].freeze()
    example.set(NAME, "TXT", VALUE)
    example.set("example.org", "SOA", SOA.format(2))

    found = likely_cause(world)

    assert found.code == "stale-secondary"
    assert found.description == (
        f"ns2.example.org has an old copy of example.org: ns2.example.org ({NS2}) serial 1, "
        f"ns1.example.org ({NS1}) serial 2"
    )


def test_a_hidden_primary_has_it_and_its_secondaries_do_not(world: World) -> None:
    world.zone("example.org", BOTH, HIDDEN.format(5))
    zone = Zone("example.org", f'{HIDDEN.format(6)}\n_acme-challenge TXT "{VALUE}"', BOTH)
    with NameServer(PRIMARY, zones=[zone]):
        found = likely_cause(world)

    assert found.code == "hidden-primary"
    assert found.description == (
        f"the primary hidden.example.org ({PRIMARY}) has it, with serial 6, and the secondaries have not "
        f"fetched it: ns1.example.org ({NS1}) serial 5, ns2.example.org ({NS2}) serial 5"
    )


def test_a_filter_denies_the_name_at_servers_that_have_the_record(world: World) -> None:
    """Their serial is the hidden primary's: neither are they late, nor is theirs another zone."""
    world.zone("example.org", BOTH, HIDDEN.format(6))
    with Bind(PRIMARY, {"example.org": f'{HIDDEN.format(6)}\n_acme-challenge TXT "{VALUE}"'}):
        found = likely_cause(
            world,
            entry()._replace(account="rfc2136", provider="rfc2136"),
            DNS01_PROVIDER="rfc2136",
            DNS01_MEMORY_ZONES="",
            RFC2136_NAMESERVER=PRIMARY,
        )

    assert found.code == "underscore-refused"
    assert "(serial 6), and says that _acme-challenge.example.org does not exist" in found.description
    assert "have it let _acme-challenge.example.org through" in found.remedy


def test_the_server_that_takes_the_updates_has_another_view(world: World, example: HostedZone) -> None:
    example.set("example.org", "SOA", SOA.format(2026112201))
    with Bind(PRIMARY, {"example.org": f'_acme-challenge TXT "{VALUE}"'}):
        found = likely_cause(
            world,
            entry()._replace(account="rfc2136", provider="rfc2136"),
            DNS01_PROVIDER="rfc2136",
            DNS01_MEMORY_ZONES="",
            RFC2136_NAMESERVER=PRIMARY,
        )

    assert found.code == "split-horizon"
    assert f"{PRIMARY} ({PRIMARY}) took the record" in found.description


def test_of_servers_that_the_configuration_names_no_registrar_is_spoken(
    world: World, example: HostedZone
) -> None:
    example.set("example.org", "SOA", SOA.format(2026112201))
    with Bind(PRIMARY, {"example.org": f'_acme-challenge TXT "{VALUE}"'}):
        found = likely_cause(
            world,
            entry()._replace(account="rfc2136", provider="rfc2136"),
            DNS01_PROVIDER="rfc2136",
            DNS01_MEMORY_ZONES="",
            DNS01_NAMESERVERS=NS1,
            RFC2136_NAMESERVER=PRIMARY,
        )

    assert found.code == "split-horizon"
    assert "registrar" not in found.remedy


def test_of_a_private_zone_the_server_that_takes_its_updates_is_asked(world: World) -> None:
    name = "_acme-challenge.nas.internal"
    with Bind(PRIMARY, {"internal": ""}):
        found = likely_cause(
            world,
            entry()._replace(
                account="rfc2136",
                provider="rfc2136",
                name=name,
                target=name,
                domain="nas.internal",
                zone="internal",
            ),
            DNS01_PROVIDER="rfc2136",
            DNS01_MEMORY_ZONES="",
            RFC2136_NAMESERVER=PRIMARY,
        )

    assert found.code == "account-view"
    assert "registrar" not in found.description + found.remedy


def test_name_servers_at_private_addresses_are_not_those_of_the_world(world: World) -> None:
    own("10.1.0.1")
    world.zone("example.org", {"ns1.example.org": "10.1.0.1"})

    found = likely_cause(world)

    assert found.code == "split-horizon"
    assert "ns1.example.org (10.1.0.1)" in found.description


def test_servers_at_private_addresses_that_refuse_are_lame(world: World) -> None:
    own("10.1.0.1")
    world.zone("example.org", {"ns1.example.org": "10.1.0.1", "ns2.example.org": NS2}).set(NAME, "TXT", VALUE)
    world.servers["10.1.0.1"].rcode = "REFUSED"

    assert likely_cause(world).code == "lame-server"


PARKED = "@ SOA ns1.parking.net. hostmaster.parking.net. 9 3600 600 86400 60\n@ NS ns1.parking.net."


def test_one_of_the_servers_is_the_registrars_parking(world: World) -> None:
    world.zone("example.org", {"ns1.example.org": NS1}).set(NAME, "TXT", VALUE)
    with NameServer(NS2, zones=[Zone("example.org", PARKED)]):
        world.delegate("example.org", BOTH)
        found = likely_cause(world)

    assert found.code == "foreign-copy"
    assert found.description == (
        f"ns2.example.org ({NS2}) has another zone example.org than who took the record: "
        "its primary is ns1.parking.net, its name servers are ns1.parking.net "
        "(parked by the registrar, or an old hoster's)"
    )
    assert "at the registrar" in found.remedy


def test_all_of_the_servers_are_parking_and_have_not_just_failed_to_fetch_it(world: World) -> None:
    world.zone("example.org", {"ns1.parking.net": NS1}, PARKED.replace(" 9 ", " 1 "))
    with Bind(PRIMARY, {"example.org": f'_acme-challenge TXT "{VALUE}"\n@ SOA ns h 5 3600 600 86400 60'}):
        found = likely_cause(
            world,
            entry()._replace(account="rfc2136", provider="rfc2136"),
            DNS01_PROVIDER="rfc2136",
            DNS01_MEMORY_ZONES="",
            RFC2136_NAMESERVER=PRIMARY,
        )

    assert found.code == "split-horizon"
    assert "parked" in found.description


class ParkingServer(NameServer):
    """It answers everything from a zone of its own."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        soa = "ns1.parking.net. hostmaster.parking.net. 1 3600 600 86400 60"
        response.authority.append(dns.rrset.from_text("parking.net.", 300, "IN", "SOA", soa))
        return response


def test_one_of_the_servers_does_not_have_the_zone_and_speaks_with_authority(world: World) -> None:
    world.zone("example.org", {"ns1.example.org": NS1}).set(NAME, "TXT", VALUE)
    with ParkingServer(NS2):
        world.delegate("example.org", BOTH)
        found = likely_cause(world)

    assert found.code == "zone-parked"
    assert "registration has run out" in found.description
    assert "whois example.org" in found.remedy


def test_a_child_zone_on_one_server_alone(world: World) -> None:
    world.zone("example.org", {"ns1.example.org": NS1}).set(NAME, "TXT", VALUE)
    head = SOA.format(1)
    child = f"@ SOA {head}\n@ NS ns1\n@ NS ns2\n_acme-challenge NS ns.elsewhere.net.\n"
    with NameServer(NS2, zones=[Zone("example.org", child)]):
        zone = world.zones["example.org"]
        zone.set("example.org", "NS", *(f"{host}." for host in BOTH))
        zone.set("ns2.example.org", "A", NS2)
        world.delegate("example.org", BOTH)
        servers = f"{NS1},{NS2}"
        found = likely_cause(world, DNS01_NAMESERVERS=servers)

    assert found.code == "child-zone"
    assert found.description == (
        f"{NS2} ({NS2}) has {NAME} as a zone of its own, or delegates it, and the other servers of "
        "example.org do not: the record is not in it"
    )


def test_the_server_that_took_the_record_shows_it_to_its_key_alone(world: World, example: HostedZone) -> None:
    found = likely_cause(
        world,
        entry()._replace(account="rfc2136", provider="rfc2136"),
        DNS01_PROVIDER="rfc2136",
        DNS01_MEMORY_ZONES="",
        RFC2136_NAMESERVER=NS1,
    )

    assert found.code == "account-view"
    assert "match-clients" in found.remedy


# Somewhere else


def test_the_record_is_in_the_parent_of_a_delegated_zone(world: World, example: HostedZone) -> None:
    world.zone(NAME, {f"ns.{NAME}": "127.4.0.1"})
    example.set(NAME, "TXT", VALUE)

    found = likely_cause(world)

    assert found.code == "wrong-zone"
    assert found.description == (
        f"the record was published in the zone example.org, but its name is in {NAME}, "
        f"which the world finds at ns.{NAME}"
    )


def test_the_domain_is_delegated_no_more(world: World) -> None:
    found = likely_cause(world)

    assert found.code == "undelegated"
    assert found.description.startswith("example.org ")


def test_a_cname_leads_elsewhere_by_now(world: World, example: HostedZone) -> None:
    world.zone("challenges.net", {"ns.challenges.net": "127.2.0.1"})
    example.set(NAME, "CNAME", "example.challenges.net.")

    found = likely_cause(world)

    assert found.code == "cname"
    assert found.description == (
        f"CNAMEs lead {NAME} to example.challenges.net, in the zone challenges.net, "
        f"and the record is at {NAME}"
    )


def test_a_cname_stands_where_the_record_should_on_servers_that_the_configuration_names(
    world: World, example: HostedZone
) -> None:
    example.set(NAME, "CNAME", "elsewhere.net.")

    found = likely_cause(world, DNS01_NAMESERVERS=NS1)

    assert found.code == "cname"
    assert found.description == (
        f"{NS1} ({NS1}) has a CNAME at {NAME}, to elsewhere.net: no TXT record can stand beside it"
    )


def test_a_loop_of_cnames_is_said_as_it_is(world: World, example: HostedZone) -> None:
    example.set(NAME, "CNAME", f"{NAME}.")

    lines, found = find_cause([entry()], configured(world))

    assert (lines, found.code) == ([], "delegation")
    assert "round in a circle" in found.description


# Those who do not answer


def test_a_lame_server(world: World, example: HostedZone) -> None:
    example.set(NAME, "TXT", VALUE)
    world.servers[NS2].rcode = "REFUSED"

    found = likely_cause(world)

    assert found.code == "lame-server"
    assert f"ns2.example.org ({NS2}) says REFUSED" in found.description


def test_a_server_whose_copy_has_expired(world: World, example: HostedZone) -> None:
    example.set(NAME, "TXT", VALUE)
    world.servers[NS2].rcode = "SERVFAIL"

    found = likely_cause(world)

    assert found.code == "server-fails"
    assert f"ns2.example.org ({NS2}) says SERVFAIL" in found.description
    assert "rndc retransfer example.org" in found.remedy
    assert "pdns_control retrieve example.org" in found.remedy


def test_servers_that_truncate_all_they_say_are_heard_over_udp(world: World, example: HostedZone) -> None:
    for server in example.servers:
        server.truncate = True

    assert likely_cause(world).code == "not-yet"


def test_a_silent_server(world: World, example: HostedZone) -> None:
    example.set(NAME, "TXT", VALUE)
    world.servers[NS2].silent = True

    found = likely_cause(world)

    assert found.code == "silent-server"
    assert f"ns2.example.org ({NS2})" in found.description


def test_a_server_that_lacks_it_is_the_cause_and_not_one_that_is_silent(
    world: World, example: HostedZone
) -> None:
    world.servers[NS2].silent = True

    assert likely_cause(world).code == "not-yet"


def test_no_server_answers_at_all(world: World, example: HostedZone) -> None:
    for server in example.servers:
        server.silent = True

    found = likely_cause(world)

    assert found.code == "silence"
    assert NS1 in found.description


def test_udp_is_blocked(world: World, example: HostedZone) -> None:
    for server in example.servers:
        server.drop_udp = True

    assert likely_cause(world, DNS01_NAMESERVERS=NS1).code == "udp-blocked"


def test_port_53_is_intercepted(world: World, example: HostedZone) -> None:
    for server in example.servers:
        server.intercepted = True

    found = likely_cause(world)

    assert found.code == "interception"
    assert found.description == (
        "resolvers answer in the place of the name servers (AA=0, RA=1): "
        "something on the way intercepts port 53"
    )


# All have it


def test_dnssec_is_broken(world: World, tmp_path: Path) -> None:
    zone = f'@ NS ns1\nns1 A {NS1}\n_acme-challenge TXT "{VALUE}"'
    with SignedBind(tmp_path / "keys", NS1, {"example.org": zone}, days=-0.5) as bind:
        world.delegate("example.org", {"ns1.example.org": NS1})
        world.zones["org"].set("example.org", "DS", *bind.ds)

        found = likely_cause(world)

    assert found.code == "dnssec-bogus"
    assert "expired on" in found.description


def test_every_server_has_it_by_now(world: World, example: HostedZone) -> None:
    example.set(NAME, "TXT", VALUE)

    found = likely_cause(world)

    assert found.code == "remembered"
    assert found.description == (
        "every name server has it now: it came too late, or who asked before remembers that it was not there"
    )
    assert "other resolvers for 60 s" in found.remedy


# The report


def test_each_server_is_shown_with_what_it_says_and_its_serial(world: World, example: HostedZone) -> None:
    example.set(NAME, "TXT", "another")
    world.servers[NS2].rcode = "REFUSED"

    lines, _ = find_cause([entry()], configured(world))

    assert lines == [
        f"now, {NAME}: ns1.example.org ({NS1}): does not have it, but 1 other value, SOA serial 1",
        f"now, {NAME}: ns2.example.org ({NS2}): REFUSED",
    ]


def test_a_failed_wait_is_blamed_on_the_names_that_are_late(world: World, example: HostedZone) -> None:
    example.set(NAME, "TXT", VALUE)
    late = entry("_acme-challenge.www.example.org")
    error = NotReady("it is late", "ask again", report=("what was seen",), names=(late.target,))

    found = blamed(error, [entry(), late], configured(world))

    assert str(found).startswith("it is late: ")
    assert "ns1.example.org, ns2.example.org" in str(found)
    assert found.hint.endswith("; ask again")
    assert found.report[0] == "what was seen"
    assert [line for line in found.report if line.startswith(f"now, {late.name}: ns1.example.org ({NS1}): ")]
    assert not [line for line in found.report if line.startswith(f"now, {NAME}:")]


def test_the_error_of_a_wait_names_those_that_are_late(world: World, example: HostedZone) -> None:
    example.set(NAME, "TXT", VALUE)
    late = "_acme-challenge.www.example.org"
    servers = (Server("ns1.example.org", (Address(NS1),)),)
    profile = Profile(rounds=1, timeout=0.3)

    with pytest.raises(NotReady) as raised:
        wait(Target(name, frozenset([VALUE]), servers, profile) for name in (NAME, late))

    assert raised.value.names == (late,)


def test_what_cannot_be_found_out_leaves_the_error_as_it_was(world: World) -> None:
    error = NotReady("it is late")

    assert blamed(error, [], configured(world)) is error


def test_what_takes_too_long_is_not_waited_for() -> None:
    given_up = threading.Event()

    assert within(0.05, lambda: given_up.wait(TIME_LIMIT)) is None
    given_up.set()


def test_a_wait_of_the_hook_that_fails_says_what_the_likeliest_cause_is(tmp_path: Path) -> None:
    with Stage(tmp_path, STAGED) as stage:
        stage.hold()

        said = stage.client()("deploy_challenge", "example.org", "token", VALUE, DNS01_TIMEOUT="1")

    assert said.code == 8
    assert f"now, {STAGED_NAME}: ns1.example.org ({NS1}): " in said.stderr
    assert "SOA serial 2" in said.stderr
    assert "ns2.example.org" in said.stderr
    assert not stage.journal()
