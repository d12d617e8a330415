"""CNAMEs at challenge names: whose they are, and who can publish where they lead.

The numbers are those of the readiness cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed import Bind, Knot, PowerDNS, World

from dns01.errors import ConfigError, ZoneNotFound
from dns01.hooks.challenge.placement import Placement, Placements
from dns01.hooks.config.load import load_settings
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.cname_chain import Discovery

SERVER = "127.1.0.3"
NAME = "_acme-challenge.example.org"
TARGET = "host.example.net"
WILDCARD = f"* CNAME {TARGET}."
EXPLICIT = f"{WILDCARD}\n_acme-challenge CNAME {TARGET}."


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.net", {"ns1.example.net": "127.2.0.1"})
        world.delegate("example.org", {"ns.example.org": SERVER})
        yield world


def placed(
    world: World, zones: str = "example.org,example.net", rule: str = "", name: str = NAME
) -> Placement:
    """Where the name's record goes, with an account for these zones and what ``[zone]`` says of CNAMEs."""
    folder = Path(world.resolver.folder)
    (folder / "config.toml").write_text(
        f'resolvers = ["{world.resolver.address}"]\n[account.a]\nprovider = "memory"\nzones = "{zones}"\n'
        f'[zone."example.org"]\ncname = "{rule}"\n'
    )
    return Placements(load_settings({"DNS01_CONFIG": str(folder / "config.toml")})).find([NAME])[NAME]


@pytest.mark.parametrize("kind", [Bind, Knot, PowerDNS])
@pytest.mark.parametrize(("records", "target"), [(EXPLICIT, TARGET), (WILDCARD, NAME)])
def test_41_an_explicit_cname_beside_a_wildcards_to_the_same_target_is_told_apart(
    world: World, kind: type[Bind], records: str, target: str
) -> None:
    with kind(SERVER, {"example.org": records}):
        assert placed(world).target == target


@pytest.mark.parametrize(
    ("records", "name", "wildcard"),
    [
        (WILDCARD, "_acme-challenge.www.example.org", True),
        (f"{WILDCARD}\n_acme-challenge.www CNAME {TARGET}.", "_acme-challenge.www.example.org", False),
        (f"*.www CNAME {TARGET}.", "_acme-challenge.www.example.org", True),
        (f"{EXPLICIT}\n*._acme-challenge CNAME other.example.net.", NAME, False),
        (f"* CNAME other.example.net.\n_acme-challenge CNAME {TARGET}.", NAME, False),
        (f"_acme-challenge CNAME {TARGET}.", NAME, False),
    ],
)
def test_41_so_is_every_other_pair_of_them(world: World, records: str, name: str, wildcard: bool) -> None:
    with Bind(SERVER, {"example.org": records}):
        found = Discovery([Address(world.resolver.address)]).find(name)
    assert bool(found.wildcard) == wildcard


def test_42_a_wildcards_cname_is_followed_where_the_account_has_its_targets_zone_alone(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with Bind(SERVER, {"example.org": WILDCARD}):
        place = placed(world, "example.net")

    assert (place.target, place.apex) == (TARGET, "example.net")
    assert "from a wildcard, which is followed" in capsys.readouterr().err


def test_42_where_the_account_has_neither_the_error_is_about_the_names_own_zone(world: World) -> None:
    with (
        Bind(SERVER, {"example.org": WILDCARD}),
        pytest.raises(ZoneNotFound, match=r" example\.org;"),
    ):
        placed(world, "example.test")


@pytest.mark.parametrize(
    ("records", "rule", "target"),
    [
        (WILDCARD, "follow", TARGET),
        (WILDCARD, "ignore", NAME),
        (EXPLICIT, "follow", TARGET),
        (EXPLICIT, "ignore", NAME),
        ("", "follow", NAME),
        ("", "ignore", NAME),
    ],
)
def test_42_the_section_of_the_zone_has_the_last_word(
    world: World, records: str, rule: str, target: str
) -> None:
    with Bind(SERVER, {"example.org": records}):
        assert placed(world, rule=rule).target == target


def test_42_a_rule_that_there_is_not_is_an_error(world: World) -> None:
    with pytest.raises(ConfigError, match="'chase'") as caught:
        placed(world, rule="chase")
    assert "follow" in caught.value.hint
