"""What the doctor says of the account: reached, let in, and with the zone that the world is led to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import KEY
from examined import IMPATIENT, codes, examine
from fakes.hetzner import Hetzner
from testbed import Bind, World

from dns01.hooks.commands.doctor.checks.account import check
from dns01.hooks.commands.doctor.finding import Finding, Severity

NS1 = {"ns1.example.org": "127.1.0.1"}
NAME = "_acme-challenge.example.org"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.org", NS1)
        yield world


def the_finding(world: World, zones: str = "example.org", **environ: str) -> Finding:
    (finding,) = check(examine(world, "example.org", zones, **environ))
    return finding


def test_the_zone_that_the_world_is_led_to(world: World) -> None:
    assert codes(check(examine(world, "example.org", "example.net, example.org"))) == []


def test_an_account_without_the_zone(world: World) -> None:
    finding = the_finding(world, "example.net")

    assert (finding.code, finding.severity) == ("token-lacks-zone", Severity.ERROR)
    assert " example.org; " in finding.message
    assert finding.message.endswith(" example.net")
    assert finding.remedy[0] == (
        "give the credentials access to the zone, or name another account for it in config.toml"
    )


def test_a_parent_in_the_account_whose_child_is_delegated_elsewhere(world: World) -> None:
    world.zone(NAME, {"ns.challenges.org": "127.2.0.1"})

    finding = the_finding(world)

    assert (finding.code, finding.severity, finding.subject) == ("wrong-zone", Severity.ERROR, NAME)
    assert "delegated to ns.challenges.org; the account memory only has example.org" in finding.message
    assert finding.remedy[1] == f"or remove the delegation: delete the NS records of {NAME} in example.org"


def test_a_delegated_challenge_zone_that_is_down_is_the_delegations_finding(world: World) -> None:
    world.delegate(NAME, {"ns.challenges.org": "127.2.0.1"})

    assert codes(check(examine(world, "example.org", timing=IMPATIENT))) == []


def test_a_child_in_the_account_that_nobody_is_led_to(world: World) -> None:
    finding = the_finding(world, f"example.org, {NAME}")

    assert (finding.code, finding.severity, finding.subject) == ("wrong-zone", Severity.WARNING, NAME)
    assert finding.message == (
        f"the account memory has the zone {NAME}, and example.org does not delegate it: nobody is led to "
        "what is published there; dns01 publishes in example.org"
    )
    assert finding.remedy == (
        f"delete the zone {NAME} at the provider, if nothing else needs it",
        f"or have {NAME} delegated to the servers of memory: in the zone example.org, write {NAME}. NS HOST",
    )


def test_a_child_alone_in_the_account_that_nobody_is_led_to(world: World) -> None:
    """The record goes to example.org, which the account has not."""
    finding = the_finding(world, NAME)

    assert (finding.code, finding.severity, finding.subject) == ("wrong-zone", Severity.ERROR, NAME)
    assert finding.message == (
        f"the account memory has the zone {NAME}, and example.org does not delegate it: nobody is led to "
        "what is published there"
    )
    assert finding.remedy[1] == "or configure an account that can write to example.org"


def test_a_child_in_the_account_that_is_delegated(world: World) -> None:
    world.zone(NAME, {"ns.challenges.org": "127.2.0.1"})
    assert codes(check(examine(world, "example.org", f"example.org, {NAME}"))) == []


def test_a_cname_to_a_zone_of_no_account_is_the_delegations_finding(world: World) -> None:
    world.zone("example.net", {"ns1.example.net": "127.1.0.2"})
    world.zones["example.org"].set(NAME, "CNAME", "challenge.example.net.")
    assert codes(check(examine(world, "example.org"))) == []


def test_a_name_that_is_not_in_the_dns_is_the_delegations_finding(world: World) -> None:
    assert codes(check(examine(world, "missing.net"))) == []


def test_a_zone_whose_servers_the_configuration_names(world: World) -> None:
    environ = {"DNS01_NAMESERVERS": "127.1.0.1"}
    assert codes(check(examine(world, "www.internal.corp", "internal.corp", **environ))) == []
    assert the_finding(world, "example.net", **environ).code == "token-lacks-zone"


@pytest.mark.parametrize("other", [False, True], ids=["its own id", "another zone's id"])
def test_an_id_in_the_zone_s_section(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    file = tmp_path / "config.toml"
    with Hetzner(["example.org", "example.net"]) as fake:
        id = fake.zones["example.net" if other else "example.org"].id
        account = f'[account.web]\nprovider = "hetzner"\ntoken = "{fake.token}"\nbase_url = "{fake.url}"\n'
        file.write_text(f'{account}[zone."example.org"]\nid = "{id}"\n')
        file.chmod(0o600)
        variables = {"DNS01_PROVIDER": "", "DNS01_CONFIG": str(file)}
        found = list(check(examine(world, "example.org", **variables)))

    assert codes(found) == (["token-lacks-zone"] if other else [])
    for finding in found:
        assert f"the id {id} that is configured for the zone example.org belongs to" in finding.message
        assert '`id` in [zone."example.org"]' in finding.remedy[0]


@pytest.fixture
def bind() -> Iterator[Bind]:
    with Bind("127.1.0.9", {"example.org": ""}, [KEY]) as bind:
        yield bind


RFC2136 = {
    "DNS01_PROVIDER": "rfc2136",
    "RFC2136_NAMESERVER": "127.1.0.9",
    "RFC2136_TSIG_KEY": KEY.name,
}


def test_a_secret_that_is_wrong(world: World, bind: Bind) -> None:
    finding = the_finding(world, **RFC2136, RFC2136_TSIG_SECRET="d3Jvbmc=")

    assert (finding.code, finding.severity) == ("auth-rejected", Severity.ERROR)
    assert "the key hook" in finding.message
    assert "(BADSIG)" in finding.message
    assert finding.remedy[0] == "copy the secret from the server's own key of that name"
    assert "to update TXT at the challenge names alone" in finding.remedy[1]


def test_what_the_credentials_need_is_said_of_the_name_that_was_asked_for(world: World, bind: Bind) -> None:
    (finding,) = check(examine(world, "www.example.org", **RFC2136, RFC2136_TSIG_SECRET="d3Jvbmc="))

    assert "grant KEY name _acme-challenge.www.example.org. TXT" in finding.remedy[1]


def test_a_secret_that_is_right(world: World, bind: Bind) -> None:
    assert codes(check(examine(world, "example.org", **RFC2136, RFC2136_TSIG_SECRET=KEY.secret))) == []


def test_a_provider_where_nobody_listens(world: World) -> None:
    finding = the_finding(world, **RFC2136, RFC2136_TSIG_SECRET=KEY.secret)

    assert (finding.code, finding.severity) == ("provider-unreachable", Severity.ERROR)
    assert "127.1.0.9 " in finding.message
    assert finding.remedy[-1] == "try again: it may pass by itself"
