"""What the doctor says of a zone's name servers: each fault planted, and set-ups that have none."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from examined import codes, examine
from testbed import Bind, Knot, PowerDNS, World, own
from testbed.world import HostedZone

from dns01.hooks.commands.doctor.checks.name_servers.check import check, findings
from dns01.hooks.commands.doctor.finding import Finding, Severity
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.cname_chain import Discovery
from dns01.hooks.dns.inspect.zone_survey import ZoneSurvey, survey_zone
from dns01.hooks.dns.timing import Timing

NS1, NS2, NS3 = "127.1.0.1", "127.2.0.2", "127.3.0.3"
ONE = {"ns1.example.org": NS1}
BOTH = {**ONE, "ns2.example.org": NS2}
SOA = "ns1.example.org. hostmaster.example.org. {} 3600 600 86400 60"
IMPATIENT = Timing(zone_query=2, survey=2)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def example(world: World) -> HostedZone:
    return world.zone("example.org", BOTH)


def discovery(world: World) -> Discovery:
    return Discovery([Address(world.resolver.address)], timing=IMPATIENT)


def survey_of(world: World, apex: str = "example.org") -> ZoneSurvey:
    return survey_zone(discovery(world), apex, sleep=lambda seconds: None)


def the_finding(world: World) -> Finding:
    """The one that there has to be."""
    (finding,) = findings(survey_of(world))
    return finding


# Healthy


@pytest.mark.parametrize(
    "nameservers",
    [
        pytest.param(ONE, id="a single server"),
        pytest.param({f"ns{n}.example.org": f"127.1.0.{n}" for n in range(1, 10)}, id="many servers"),
        pytest.param({"ns1.example.org": "fd53::11", "ns2.example.org": "fd53::12"}, id="IPv6 only"),
        pytest.param({"ns1.example.org": [NS1, "fd53::11"]}, id="both families"),
        pytest.param({"ns1.host.net": NS1, "ns2.host.net": NS2}, id="servers in another zone"),
        pytest.param({"ns1.host.net": NS1, "ns2.host.net": NS1}, id="two names of one server"),
    ],
)
def test_nothing_is_wrong_with(world: World, nameservers: dict[str, str]) -> None:
    world.zone("host.net", {"ns.host.net": "127.4.0.1"})
    world.zone("example.org", nameservers)

    assert not codes(findings(survey_of(world)))


@pytest.mark.parametrize("software", [Bind, Knot, PowerDNS])
def test_nothing_is_wrong_with_real_servers(world: World, software: type[Bind]) -> None:
    with software(NS1, {"example.org": ""}):
        world.delegate("example.org", {"ns.example.org": NS1})

        assert not codes(check(examine(world, "example.org", timing=IMPATIENT)))


def test_nothing_is_wrong_with_a_hidden_primary(world: World) -> None:
    world.zone("example.org", BOTH, "@ SOA hidden.example.org. hostmaster 7 3600 600 86400 60")

    assert not codes(findings(survey_of(world)))


def test_nothing_is_wrong_with_two_providers_that_count_for_themselves(world: World) -> None:
    world.zone("example.org", BOTH)
    theirs = HostedZone("example.org", "@ SOA theirs.net. x.theirs.net. 2026112201 1 1 1 60", BOTH)
    world.servers[NS2].serve(theirs)

    assert not codes(findings(survey_of(world)))


def test_nothing_is_wrong_while_a_change_is_on_its_way(world: World, example: HostedZone) -> None:
    world.servers[NS2].freeze()
    example.set("example.org", "SOA", SOA.format(2))

    def thaw(seconds: float) -> None:
        example.set("example.org", "SOA", SOA.format(3))
        world.servers[NS2].thaw()

    surveyed = survey_zone(discovery(world), "example.org", sleep=thaw)

    assert not codes(findings(surveyed))


def test_the_zones_of_a_cname_and_of_its_target_are_both_looked_at(world: World, example: HostedZone) -> None:
    world.zone("challenges.net", {"ns1.challenges.net": NS3})
    example.set("_acme-challenge.example.org", "CNAME", "example.challenges.net.")
    world.zones["challenges.net"].set("challenges.net", "NS", "ns1.challenges.net.", "ns2.challenges.net.")
    example.servers[0].rcode = "REFUSED"

    found = [
        (finding.code, finding.subject) for finding in check(examine(world, "example.org", timing=IMPATIENT))
    ]

    assert found == [
        ("lame-server", "ns1.example.org"),
        ("ns-mismatch", "challenges.net"),
        ("ns-without-address", "ns2.challenges.net"),
    ]


def test_of_a_challenge_zone_that_is_down_the_delegations_check_speaks(
    world: World, example: HostedZone
) -> None:
    world.delegate("_acme-challenge.example.org", {"ns._acme-challenge.example.org": NS3})
    world.servers[NS2].rcode = "REFUSED"

    found = [
        (finding.code, finding.subject) for finding in check(examine(world, "example.org", timing=IMPATIENT))
    ]

    assert found == [("lame-server", "ns2.example.org")]


def test_nothing_is_said_where_the_configuration_names_servers_that_are_right(
    world: World, example: HostedZone
) -> None:
    assert not codes(check(examine(world, "example.org", timing=IMPATIENT, DNS01_NAMESERVERS=NS1)))


# The faults


def test_a_parent_that_names_only_some_of_the_servers_is_a_note_where_all_of_them_serve_the_zone(
    world: World,
) -> None:
    world.zone("example.org", {**ONE, "ns3.example.org": NS3}, parent_ns=ONE)

    found = the_finding(world)

    assert (found.code, found.severity) == ("ns-mismatch", Severity.NOTE)


def test_parent_and_zone_name_other_servers(world: World) -> None:
    world.zone("example.org", {**ONE, "ns3.example.org": NS3}, parent_ns={**ONE, "ns2.example.org": NS2})
    world.servers[NS3].serve(world.zones["example.org"])
    world.zone("second.org", {"ns1.second.org": NS2}).servers[0].serve(world.zones["example.org"])

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("ns-mismatch", Severity.WARNING, "example.org")
    assert "ns2.example.org only at its parent, ns3.example.org only in the zone" in found.message
    assert (
        "give the registrar, or whoever runs the parent zone, these: ns1.example.org, ns3.example.org"
        in (found.remedy[1])
    )


def test_a_name_server_that_is_a_cname(world: World) -> None:
    world.zone("host.net", {"ns.host.net": NS3}, f"real A {NS1}\nalias CNAME real")
    world.zone("example.org", {"alias.host.net": NS1})
    world.zones["host.net"].remove("alias.host.net", "A")

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("ns-cname", Severity.WARNING, "alias.host.net")
    assert "real.host.net" in found.message
    assert "example.org. NS real.host.net." in found.remedy[0]


def test_a_name_server_without_an_address(world: World, example: HostedZone) -> None:
    world.zone("host.net", {"ns.host.net": NS3})
    for zone in (example, world.zones["org"]):
        zone.set("example.org", "NS", "ns1.example.org.", "nobody.host.net.")

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == (
        "ns-without-address",
        Severity.WARNING,
        "nobody.host.net",
    )


def test_a_name_server_whose_own_zone_cannot_be_asked(world: World, example: HostedZone) -> None:
    host = world.zone("host.net", {"ns.host.net": NS3})
    for zone in (example, world.zones["org"]):
        zone.set("example.org", "NS", "ns1.example.org.", "six.host.net.")
    host.servers[0].rcode = "SERVFAIL"

    (found,) = check(examine(world, "example.org", timing=IMPATIENT))

    assert (found.code, found.severity, found.subject) == (
        "ns-not-found",
        Severity.WARNING,
        "six.host.net",
    )
    assert "dig A six.host.net +trace" in found.remedy[0]


@pytest.mark.parametrize("fault", ["REFUSED", "answers, but not with authority"])
def test_a_lame_server(world: World, example: HostedZone, fault: str) -> None:
    if fault.isupper():
        world.servers[NS2].rcode = fault
    else:
        world.servers[NS2].authoritative = False

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("lame-server", Severity.WARNING, "ns2.example.org")
    assert f"{NS2} says {fault}" in found.message
    assert f"@{NS2}" in found.remedy[0]


def test_a_silent_server(world: World, example: HostedZone) -> None:
    world.servers[NS2].silent = True

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == (
        "silent-server",
        Severity.WARNING,
        "ns2.example.org",
    )
    assert NS2 in found.message


def test_a_dead_ipv6_address(world: World) -> None:
    example = world.zone("example.org", {"ns1.example.org": [NS1, "fd53::11"]})
    world.servers["fd53::11"].silent = True

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("dead-ipv6", Severity.WARNING, "ns1.example.org")
    assert "fd53::11" in found.message
    assert found.remedy[1] == "or remove the AAAA record of ns1.example.org, and its glue at the parent"
    assert example.servers[0].questions


def test_a_dead_ipv4_address_beside_a_live_ipv6_one_is_no_dead_ipv6(world: World) -> None:
    world.zone("example.org", {"ns1.example.org": [NS1, "fd53::11"]})
    world.servers[NS1].silent = True

    found = the_finding(world)

    assert found.code == "silent-server"
    assert found.message.endswith("and does at other addresses")
    assert found.remedy[1] == "or remove the address from ns1.example.org"


def test_a_server_without_tcp(world: World, example: HostedZone) -> None:
    world.servers[NS2].drop_tcp = True

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("no-tcp", Severity.WARNING, "ns2.example.org")


def test_a_server_without_udp(world: World, example: HostedZone, monkeypatch: pytest.MonkeyPatch) -> None:
    world.servers[NS2].drop_udp = True

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("no-udp", Severity.WARNING, "ns2.example.org")


def test_a_transport_that_leads_to_no_server_is_blocked_near_to_us(world: World, example: HostedZone) -> None:
    known = discovery(world)
    known.find("example.org")
    for server in example.servers:
        server.drop_udp = True

    (found,) = findings(survey_zone(known, "example.org"))

    assert (found.code, found.severity, found.subject) == ("udp-blocked", Severity.WARNING, "example.org")


def test_tcp_that_leads_to_no_server_is_blocked_near_to_us(world: World, example: HostedZone) -> None:
    for server in example.servers:
        server.drop_tcp = True

    assert the_finding(world).code == "tcp-blocked"


def test_ipv6_that_leads_to_no_server_is_worth_a_note(world: World) -> None:
    world.zone("example.org", {"ns1.example.org": [NS1, "fd53::11"], "ns2.example.org": [NS2, "fd53::12"]})
    for address in ("fd53::11", "fd53::12"):
        world.servers[address].silent = True

    found = the_finding(world)

    assert (found.code, found.severity) == ("ipv6-blocked", Severity.NOTE)


def test_a_stale_secondary_with_the_serials(world: World, example: HostedZone) -> None:
    world.servers[NS2].freeze()
    example.set("example.org", "SOA", SOA.format(2))

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == (
        "stale-secondary",
        Severity.ERROR,
        "ns2.example.org",
    )
    assert f"serial 1 at {NS2}; ns1.example.org ({NS1}) has 2" in found.message
    assert "rndc retransfer example.org" in found.remedy[1]


def test_serials_count_in_a_circle(world: World, example: HostedZone) -> None:
    example.set("example.org", "SOA", SOA.format(2**32 - 1))
    world.servers[NS2].freeze()
    example.set("example.org", "SOA", SOA.format(1))

    assert the_finding(world).subject == "ns2.example.org"


def test_all_servers_in_one_network_of_the_internets(world: World) -> None:
    for address in ("9.9.9.1", "9.9.9.2"):
        own(address)
    world.zone("example.org", {"ns1.example.org": "9.9.9.1", "ns2.example.org": "9.9.9.2"})

    found = the_finding(world)

    assert (found.code, found.severity) == ("single-network", Severity.NOTE)
    assert "9.9.9.0/24" in found.message


def test_a_negative_ttl_of_a_day(world: World) -> None:
    world.zone("example.org", ONE, negative_ttl=86400)

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("long-negative-ttl", Severity.NOTE, "example.org")
    assert "86400 s" in found.message


def test_a_negative_ttl_that_the_soas_own_ttl_shortens_is_not_long(world: World) -> None:
    example = world.zone("example.org", ONE)
    example.set("example.org", "SOA", SOA.format(1).replace("86400 60", "86400 86400"), ttl=900)

    assert not codes(findings(survey_of(world)))


def test_where_resolvers_answer_in_the_place_of_all_servers_none_is_called_lame(
    world: World, example: HostedZone
) -> None:
    known = discovery(world)
    known.find("example.org")
    for server in example.servers:
        server.intercepted = True

    assert not codes(findings(survey_zone(known, "example.org")))


# How it is found


def test_thirteen_silent_servers_take_no_longer_than_one(world: World) -> None:
    example = world.zone("example.org", {f"ns{n}.example.org": f"127.1.0.{n}" for n in range(1, 14)})
    for server in example.servers[1:]:
        server.silent = True
    known = discovery(world)
    known.find("example.org")
    began = time.monotonic()

    found = codes(findings(survey_zone(known, "example.org")))

    assert found == ["silent-server"]
    assert time.monotonic() - began < 12  # one after the other, they would take 24


def test_no_resolver_is_asked_about_the_zone(world: World, example: HostedZone) -> None:
    list(findings(survey_of(world)))

    assert not [question for question in world.resolver.questions if "example.org" in question.name]
