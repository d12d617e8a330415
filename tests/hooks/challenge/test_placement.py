"""Which zone a record goes to, where the configuration names the servers and nothing is discovered."""

from __future__ import annotations

from pathlib import Path

import pytest
import testbed
from testbed import NameServer, World

from dns01.errors import DelegationError
from dns01.hooks.challenge.placement import Placements
from dns01.hooks.config.load import load_settings
from dns01.providers.base import Zone

SERVER = "127.1.0.1"
NAME = "_acme-challenge.www.example.org"

BRIDGE = 'provider = "exec"\npath = "/bin/true"'
KNOWS_TWO = 'provider = "memory"\nzones = "example.org,www.example.org"'


def zone(folder: Path, account: str, more: str = "") -> Zone:
    """The zone of NAME, by way of an account."""
    file = folder / "config.toml"
    file.write_text(f'[account.web]\n{account}\n[zone."example.org"]\nnameservers = ["192.0.2.53"]\n{more}')
    settings = load_settings({"DNS01_CONFIG": str(file), "DNS01_STATE_DIR": str(folder)})
    return Placements(settings).find([NAME])[NAME].zone_accounts[0].zone


def test_a_bridge_that_knows_no_zones_is_given_the_one_of_the_section(tmp_path: Path) -> None:
    assert zone(tmp_path, BRIDGE) == Zone("example.org")


def test_a_bridge_is_not_given_a_section_that_says_but_terms(tmp_path: Path) -> None:
    assert zone(tmp_path, BRIDGE, '[zone."www.example.org"]\nttl = 90\n') == Zone("example.org")


def test_a_provider_that_knows_its_zones_knows_best(tmp_path: Path) -> None:
    assert zone(tmp_path, KNOWS_TWO) == Zone("www.example.org")


@pytest.mark.parametrize("account", [BRIDGE, KNOWS_TWO], ids=["bridge", "knows its zones"])
def test_a_section_with_the_zone_s_id_goes_before_both(tmp_path: Path, account: str) -> None:
    assert zone(tmp_path, account, 'id = "Z1"\n') == Zone("example.org", "Z1")


@pytest.mark.parametrize(("apex", "expected"), [("example.org", "example.org"), ("other.net", NAME)])
def test_without_a_section_the_servers_tell_a_bridge_its_zone_if_they_have_it(
    tmp_path: Path, apex: str, expected: str
) -> None:
    variables = {"DNS01_PROVIDER": "exec", "EXEC_PATH": "/bin/true", "DNS01_NAMESERVERS": SERVER}
    settings = load_settings({"DNS01_CONFIG": "", "DNS01_STATE_DIR": str(tmp_path), **variables})
    with NameServer(SERVER, zones=[testbed.Zone(apex, "", {f"ns1.{apex}": SERVER})]):
        assert Placements(settings).find([NAME])[NAME].zone_accounts[0].zone == Zone(expected)


@pytest.mark.parametrize(("address", "cname"), [("127.0.53.8", ""), ("127.0.53.9", "acme.example.org")])
def test_a_name_has_no_place_on_the_embedded_server_that_nothing_leads_to(
    tmp_path: Path, address: str, cname: str
) -> None:
    variables = {"DNS01_PROVIDER": "standalone", "STANDALONE_ADDRESS": address, "STANDALONE_NS": "host.net"}
    folders = {"DNS01_STATE_DIR": str(tmp_path), "STANDALONE_DIR": str(tmp_path / "s")}
    with World() as world:
        example = world.zone("example.org", {"ns1.example.org": SERVER})
        if cname:
            example.set(NAME, "CNAME", f"{cname}.")
        settings = load_settings({**variables, **folders, "DNS01_RESOLVERS": world.resolver.address})
        with pytest.raises(DelegationError, match="not delegated to this host") as raised:
            Placements(settings).find([NAME])

    assert f"{cname or NAME}. NS host.net." in raised.value.hint


def test_the_target_of_a_cname_that_lego_names_by_itself_is_in_a_zone_of_its_own(tmp_path: Path) -> None:
    target, host = "mail.acme.example.org", "127.0.53.7"
    variables = {"DNS01_PROVIDER": "standalone", "STANDALONE_ADDRESS": host, "STANDALONE_NS": "host.net"}
    folders = {"DNS01_STATE_DIR": str(tmp_path), "STANDALONE_DIR": str(tmp_path / "s")}
    with World() as world:
        world.zone("example.org", {"ns1.example.org": SERVER})
        world.delegate("acme.example.org", {"host.net": host})
        settings = load_settings({**variables, **folders, "DNS01_RESOLVERS": world.resolver.address})
        placed = Placements(settings).find([target])

    assert placed[target].zone_accounts[0].zone.apex == target
