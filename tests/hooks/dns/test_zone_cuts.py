"""Where records go: delegations and CNAMEs, followed through a root and a TLD of our own.

The numbers are those of the readiness cases.
"""

from __future__ import annotations

from collections.abc import Iterator

import dns.rdatatype
import pytest
from testbed import NameServer, PowerDNS
from testbed.client import ask
from testbed.world import HostedZone, World

from dns01.errors import DelegationError
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.cname_chain import Discovery
from dns01.hooks.dns.destination import PortBarred
from dns01.hooks.dns.timing import Timing

NAME = "_acme-challenge.example.org"
NS1, NS2 = "127.1.0.1", "127.1.0.2"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def discovery(world: World) -> Discovery:
    return Discovery([Address(world.resolver.address)], timing=Timing(zone_query=2))


@pytest.fixture
def example(world: World) -> HostedZone:
    return world.zone("example.org", {"ns1.example.org": NS1, "ns2.example.org": NS2}, "www A 192.0.2.1")


def hosts(servers: tuple) -> dict[str, list[str]]:  # type: ignore[type-arg]
    return {server.name: [address.ip for address in server.addresses] for server in servers}


def test_a_plain_name_is_found_by_referral(example: HostedZone, discovery: Discovery) -> None:
    found = discovery.find(NAME)

    assert (found.target, found.zone, found.chain) == (NAME, "example.org", (NAME,))
    assert hosts(found.servers) == {"ns1.example.org": [NS1], "ns2.example.org": [NS2]}


def test_many_names_need_the_root_and_the_tld_only_once(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    names = [f"_acme-challenge.host{n}.example.org" for n in range(30)]

    found = discovery.find_all(names)

    assert {found[name].zone for name in names} == {"example.org"}
    assert len([question for question in world.servers["127.0.0.3"].questions if question.name in names]) == 1


def test_a_record_of_a_zone_that_is_known_costs_one_question(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    discovery.ask("example.org", dns.rdatatype.CAA)
    before = [len(server.questions) for server in world.servers.values()]

    assert discovery.ask("www.example.org", dns.rdatatype.A).answer

    after = [len(server.questions) for server in world.servers.values()]
    assert sum(after) - sum(before) == 1


def test_a_record_is_asked_for_wherever_it_is_delegated_to(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    world.zone("sub.example.org", {"ns.sub.example.org": "127.1.0.3"}, "www A 192.0.2.7")
    example.set("sub.example.org", "DS", "1 8 2 " + 64 * "0")

    assert "192.0.2.7" in str(discovery.ask("www.sub.example.org", dns.rdatatype.A))
    assert discovery.ask("sub.example.org", dns.rdatatype.DS).answer  # which is in the zone above
    assert not discovery.ask("sub.example.org", dns.rdatatype.CAA).answer


def test_13_a_cname_chain_over_three_zones_in_mixed_case(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    world.zone("middle.net", {"ns1.middle.net": "127.2.0.1"}, "X CNAME Challenges.Last.TEST.")
    world.zone("last.test", {"ns1.last.test": "127.3.0.1"})
    example.set("_Acme-Challenge.Example.ORG", "CNAME", "x.MIDDLE.net.")

    found = discovery.find(NAME)

    assert (found.target, found.zone) == ("challenges.last.test", "last.test")
    assert found.chain == (NAME, "x.middle.net", "challenges.last.test")
    assert hosts(found.servers) == {"ns1.last.test": ["127.3.0.1"]}


def test_14_a_cname_loop_is_named(world: World, example: HostedZone, discovery: Discovery) -> None:
    world.zone("middle.net", {"ns1.middle.net": "127.2.0.1"}, f"x CNAME {NAME}.")
    example.set(NAME, "CNAME", "x.middle.net.")

    with pytest.raises(DelegationError, match=f"circle: {NAME} -> x.middle.net -> {NAME}"):
        discovery.find(NAME)


def test_14_a_chain_of_twelve_hops_is_too_long(example: HostedZone, discovery: Discovery) -> None:
    example.set(NAME, "CNAME", "hop1.example.org.")
    for hop in range(1, 12):
        example.set(f"hop{hop}.example.org", "CNAME", f"hop{hop + 1}.example.org.")

    with pytest.raises(DelegationError, match="more than 10 CNAMEs"):
        discovery.find(NAME)


def test_15_a_wildcard_cname_is_overridden(example: HostedZone, discovery: Discovery) -> None:
    example.set("*.example.org", "CNAME", "elsewhere.net.")

    found = discovery.find(NAME)

    assert (found.target, found.zone, found.wildcard) == (NAME, "example.org", "elsewhere.net")


def test_15_a_wildcard_is_told_at_a_name_of_the_greatest_length_too(
    example: HostedZone, discovery: Discovery
) -> None:
    parent = ".".join([63 * "a", 63 * "b", 63 * "c", 33 * "d", "example.org"])
    example.set("*.example.org", "CNAME", "elsewhere.net.")

    assert len(f"_acme-challenge.{parent}") == 253
    assert discovery.find(f"_acme-challenge.{parent}").wildcard == "elsewhere.net"


def test_16_a_delegated_challenge_zone_is_used(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    world.zone(NAME, {f"ns.{NAME}": "127.4.0.1"})

    found = discovery.find(NAME)

    assert (found.target, found.zone) == (NAME, NAME)
    assert hosts(found.servers) == {f"ns.{NAME}": ["127.4.0.1"]}


def test_a_child_zone_on_its_parents_servers_is_found_by_its_soa(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    world.zone("sub.example.org", {"ns1.example.org": NS1, "ns2.example.org": NS2})

    assert discovery.find("_acme-challenge.www.sub.example.org").zone == "sub.example.org"
    assert discovery.find("_acme-challenge.sub.example.org").zone == "sub.example.org"


def test_a_child_zone_on_one_of_its_parents_servers_has_that_server_alone(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    world.zone(NAME, {"ns1.example.org": NS1})

    assert hosts(discovery.find(NAME).servers) == {"ns1.example.org": [NS1]}


def test_a_cname_into_a_child_zone_on_the_same_servers_does_not_move_the_name_itself(
    world: World, discovery: Discovery
) -> None:
    text = "* CNAME acme.example.org.\nacme NS ns1.acme.example.org.\nns1.acme A 127.1.0.3"
    with PowerDNS("127.1.0.3", {"example.org": text, "acme.example.org": ""}):
        world.delegate("example.org", {"ns.example.org": "127.1.0.3"})

        found = discovery.find(NAME)  # PowerDNS adds the SOA that the CNAME leads to

        assert discovery.cut(NAME).apex == "example.org"
        assert (found.target, found.zone, found.wildcard) == (NAME, "example.org", "acme.example.org")


def test_what_a_server_says_of_one_name_is_not_held_against_its_zone(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    for server in example.servers:
        server.rcodes["_acme-challenge.bad.example.org", "SOA"] = "SERVFAIL"
    example.set(NAME, "CNAME", "elsewhere.net.")

    assert "SERVFAIL" in discovery.find("_acme-challenge.bad.example.org").trouble
    assert discovery.find(NAME).target == "elsewhere.net"


def test_22_the_parents_and_the_zones_own_ns_are_both_asked(world: World, discovery: Discovery) -> None:
    world.zone(
        "example.org",
        {"ns1.example.org": NS1, "ns3.example.org": "127.1.0.3"},
        parent_ns={"ns1.example.org": NS1, "ns2.example.org": NS2},
    )

    assert set(hosts(discovery.find(NAME).servers)) == {
        "ns1.example.org",
        "ns2.example.org",
        "ns3.example.org",
    }


def test_36_a_base_domain_without_records_is_found_and_no_resolver_hears_of_it(
    world: World, discovery: Discovery
) -> None:
    world.zone("example.org", {"ns1.dns.net": NS1})
    world.zone("dns.net", {"ns1.dns.net": NS1})

    found = discovery.find("_acme-challenge.internal.example.org")

    assert found.zone == "example.org"
    assert hosts(found.servers) == {"ns1.dns.net": [NS1]}
    asked = {question.name for question in world.resolver.questions}
    assert not any("example.org" in name for name in asked)


def test_7_and_8_every_address_of_a_server_is_found(world: World, discovery: Discovery) -> None:
    world.zone("example.org", {"ns1.example.org": [NS1, "fd53::11"], "ns2.example.org": "fd53::12"})

    assert hosts(discovery.find(NAME).servers) == {
        "ns1.example.org": [NS1, "fd53::11"],
        "ns2.example.org": ["fd53::12"],
    }


def test_name_servers_in_another_zone_without_glue_are_looked_up(world: World, discovery: Discovery) -> None:
    world.zone("host.net", {"ns.host.net": "127.2.0.1"})
    world.zone("example.org", {"a.host.net": NS1, "b.host.net": NS2})

    assert hosts(discovery.find(NAME).servers) == {"a.host.net": [NS1], "b.host.net": [NS2]}


def test_a_zone_whose_servers_are_silent_is_found_all_the_same(
    world: World, example: HostedZone, discovery: Discovery
) -> None:
    for server in example.servers:
        server.silent = True

    found = discovery.find(NAME)

    assert found.zone == "example.org"
    assert "no answer" in found.trouble


def test_where_servers_are_silent_those_that_have_answered_are_asked(
    world: World, discovery: Discovery
) -> None:
    hosts = {f"ns{number}.example.org": f"127.1.0.{number}" for number in range(1, 7)}
    *silent, alive = world.zone("example.org", hosts).servers
    for server in silent:
        server.silent = True
    servers = discovery.find(NAME).servers
    for number in range(100):  # which is asked first is chance, and what is silent shows by and by
        if len(discovery.responsive(servers)) == 1:
            break
        discovery.ask(f"host{number}.example.org", dns.rdatatype.A)

    for number in range(5):
        discovery.ask(f"other{number}.example.org", dns.rdatatype.A)

    assert [server.name for server in discovery.responsive(servers)] == ["ns6.example.org"]
    others = {question.name for server in silent for question in server.questions if "other" in question.name}
    assert others == set()
    assert {f"other{number}.example.org" for number in range(5)} <= {each.name for each in alive.questions}


def test_a_lame_server_is_passed_over(example: HostedZone, discovery: Discovery) -> None:
    example.servers[0].rcode = "REFUSED"

    found = discovery.find(NAME)

    assert (found.zone, found.trouble) == ("example.org", "")


def test_20_a_port_53_on_which_nothing_answers_is_said_with_what_to_do() -> None:
    with pytest.raises(PortBarred, match="no resolver tells") as caught:
        Discovery([Address("127.9.9.9")]).find(NAME)

    assert caught.value.barrier == "nothing answers"
    assert "DNS01_RESOLVERS" in caught.value.hint


def test_20_a_port_53_on_which_only_resolvers_answer_is_told_apart(
    world: World, discovery: Discovery
) -> None:
    ask(".", "NS", world.resolver.address)
    world.servers["127.0.0.2"].silent = True

    with pytest.raises(PortBarred) as caught:
        discovery.find(NAME)

    assert caught.value.barrier == "only resolvers answer"


def test_21_a_root_server_that_answers_like_a_resolver_is_none(world: World, discovery: Discovery) -> None:
    ask(".", "NS", world.resolver.address)
    world.servers["127.0.0.2"].intercepted = True
    world.servers["127.0.0.2"].rcode = "REFUSED"

    for find in (discovery.find, discovery.cut):
        with pytest.raises(PortBarred) as caught:
            find(NAME)
        assert caught.value.barrier == "something intercepts it"


def test_20_a_registry_that_is_silent_is_not_taken_for_a_firewall(world: World, discovery: Discovery) -> None:
    ask(".", "NS", world.resolver.address)
    world.servers["127.0.0.3"].silent = True

    assert discovery.find(NAME).zone == "org"


def test_a_resolver_that_does_not_tell_the_root_is_said_with_what_to_do() -> None:
    with NameServer("127.0.0.57") as resolver, pytest.raises(DelegationError, match="REFUSED") as caught:
        Discovery([Address(resolver.address)]).find(NAME)
    assert not isinstance(caught.value, PortBarred)
    assert "DNS01_RESOLVERS" in caught.value.hint
