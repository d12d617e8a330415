"""What the doctor says of the way to the record, in a DNS of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from examined import IMPATIENT, codes, examine
from testbed import World
from testbed.world import HostedZone

from dns01.hooks.commands.doctor.checks.placement import check
from dns01.hooks.commands.doctor.finding import Finding, Severity

NAME = "_acme-challenge.example.org"
NS1 = "127.1.0.1"
ACCOUNTS = """
[account.web]
provider = "memory"
zones = "example.org"
[account.other]
provider = "memory"
zones = "other.test"
[zone."example.org"]
account = "web"
"""


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def example(world: World) -> HostedZone:
    return world.zone("example.org", {"ns1.example.org": NS1})


def the_finding(world: World, domain: str = "example.org", **environ: str) -> Finding:
    """The one that there has to be."""
    (finding,) = check(examine(world, domain, timing=IMPATIENT, **environ))
    return finding


def test_nothing_is_wrong_with_a_plain_name(world: World, example: HostedZone) -> None:
    assert not codes(check(examine(world, "example.org")))
    assert not codes(check(examine(world, "*.www.example.org")))


def test_nothing_is_wrong_with_a_cname_to_a_zone_of_the_account(world: World, example: HostedZone) -> None:
    world.zone("challenges.net", {"ns.challenges.net": "127.2.0.1"})
    example.set(NAME, "CNAME", "example.challenges.net.")

    assert not codes(check(examine(world, "example.org", "example.org, challenges.net")))


def test_nothing_is_wrong_with_a_delegated_challenge_zone(world: World, example: HostedZone) -> None:
    world.zone(NAME, {f"ns.{NAME}": "127.4.0.1"})

    assert not codes(check(examine(world, "example.org", f"example.org, {NAME}")))


def test_nothing_is_said_where_the_configuration_names_the_servers(world: World) -> None:
    assert not codes(check(examine(world, "nowhere.org", DNS01_NAMESERVERS=NS1)))


def test_a_cname_loop(world: World, example: HostedZone) -> None:
    world.zone("middle.net", {"ns1.middle.net": "127.2.0.1"}, f"x CNAME {NAME}.")
    example.set(NAME, "CNAME", "x.middle.net.")

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("cname-loop", Severity.ERROR, NAME)
    assert f"{NAME} -> x.middle.net -> {NAME}" in found.message
    assert found.remedy


def test_too_many_cnames(world: World, example: HostedZone) -> None:
    example.set(NAME, "CNAME", "hop1.example.org.")
    for hop in range(1, 14):
        example.set(f"hop{hop}.example.org", "CNAME", f"hop{hop + 1}.example.org.")

    assert the_finding(world).code == "cname-too-long"


def test_a_cname_to_nowhere(world: World, example: HostedZone) -> None:
    example.set(NAME, "CNAME", "example.expired.net.")

    found = the_finding(world)

    assert (found.code, found.severity) == ("cname-dangling", Severity.ERROR)
    assert found.message == (
        f"{NAME} -> example.expired.net: its zone does not exist, net does not delegate it;"
        " whoever comes to have it gets certificates for the domain"
    )
    assert found.remedy == (f"remove the CNAME of {NAME}", "or let it lead to a zone of your own")


def test_a_cname_to_a_zone_of_no_account(world: World, example: HostedZone) -> None:
    world.zone("challenges.net", {"ns.challenges.net": "127.2.0.1"})
    example.set(NAME, "CNAME", "example.challenges.net.")

    found = the_finding(world)

    assert (found.code, found.severity) == ("cname-foreign", Severity.ERROR)
    assert "no account reaches the zone challenges.net" in found.message
    assert '[zone."challenges.net"]' in found.remedy[0]


def test_a_cname_for_which_none_of_several_accounts_is_named(
    world: World, example: HostedZone, tmp_path: Path
) -> None:
    world.zone("challenges.net", {"ns.challenges.net": "127.2.0.1"})
    world.zone("plain.org", {"ns.plain.org": "127.2.0.2"})
    world.zones["plain.org"].set("_acme-challenge.plain.org", "CNAME", "plain.challenges.net.")
    path = tmp_path / "config.toml"
    path.write_text(ACCOUNTS)
    path.chmod(0o600)

    found = the_finding(world, "plain.org", DNS01_CONFIG=str(path), DNS01_PROVIDER="", DNS01_MEMORY_ZONES="")

    assert found.code == "cname-foreign"


def test_a_wildcard_cname(world: World, example: HostedZone) -> None:
    example.set("*.example.org", "CNAME", "elsewhere.net.")

    found = the_finding(world)

    assert (found.code, found.severity) == ("wildcard-cname", Severity.NOTE)
    assert "elsewhere.net" in found.message
    assert f"{NAME}. CNAME elsewhere.net." in found.remedy[0]


def test_a_delegated_challenge_zone_whose_server_is_down(world: World, example: HostedZone) -> None:
    world.delegate(NAME, {f"ns.{NAME}": "127.4.0.1"})

    found = the_finding(world)

    assert (found.code, found.severity, found.subject) == ("challenge-zone-down", Severity.ERROR, NAME)
    assert found.remedy == (
        f"delete the NS records of {NAME} from example.org, if it is to be no zone of its own: what is "
        "published for it goes to example.org then",
        f"or, to keep it: see that ns.{NAME} run and serve {NAME}, and let UDP and TCP port 53 through to "
        "them",
    )


def test_a_challenge_zone_behind_a_cname_whose_server_refuses(world: World, example: HostedZone) -> None:
    zone = world.zone("challenges.net", {"ns.challenges.net": "127.2.0.1"})
    zone.servers[0].rcode = "REFUSED"
    example.set(NAME, "CNAME", "example.challenges.net.")

    found = the_finding(world)

    assert (found.code, found.subject) == ("challenge-zone-down", "challenges.net")
    assert "127.2.0.1: REFUSED" in found.message


def test_the_domains_own_zone_is_down(world: World, example: HostedZone) -> None:
    example.servers[0].silent = True

    assert the_finding(world).code == "zone-down"


def test_a_domain_that_nobody_has_registered(world: World) -> None:
    found = the_finding(world, "www.nowhere.org")

    assert (found.code, found.severity) == ("zone-missing", Severity.ERROR)
    assert "www.nowhere.org " in found.message


def test_a_registry_whose_name_servers_fail(world: World) -> None:
    for server in world.zones["org"].servers:
        server.rcode = "SERVFAIL"

    found = the_finding(world, "www.nowhere.org")

    assert (found.code, found.severity) == ("zone-unknown", Severity.ERROR)
    assert "SERVFAIL" in found.message


def test_what_keeps_port_53_from_all_servers_is_in_the_views_check(world: World, example: HostedZone) -> None:
    for server in world.servers.values():
        server.intercepted = True

    assert codes(check(examine(world, "example.org", timing=IMPATIENT))) == []
    assert codes(check(examine(world, "example.org", timing=IMPATIENT, DNS01_RESOLVERS="127.0.0.99"))) == []


def test_no_resolver_hears_of_the_challenge_name(world: World, example: HostedZone) -> None:
    example.set(NAME, "CNAME", "example.expired.net.")

    list(check(examine(world, "example.org")))

    assert not [each for each in world.resolver.questions if "example" in each.name]
