"""What rows say of accounts and zones, and what the configuration says before them."""

from __future__ import annotations

from pathlib import Path

import pytest
from calls import Stage

from dns01.errors import CaaForbids, ConfigError, DelegationError
from dns01.hooks.caa.issuers import Issuer
from dns01.hooks.challenge.placement import Placements
from dns01.hooks.config.load import load_settings
from dns01.hooks.config.settings import Account, Settings, ZoneRule
from dns01.hooks.issue.inventory.read import WantedCertificate
from dns01.hooks.issue.wave.preparation import set_aside, with_zones
from dns01.providers.base import Profile


def settings(*zones: ZoneRule) -> Settings:
    accounts = {name: Account(name, "memory", {}, Profile()) for name in ("one", "two")}
    return Settings("/state", "config.toml", accounts, zones, (), None)


def row(name: str, account: str = "", zone: str = "", zone_id: str = "") -> WantedCertificate:
    accounts = (account,) if account else ()
    return WantedCertificate(name, (f"www.{name}", f"*.{name}"), zone, zone_id, accounts, where=f"row {name}")


def test_a_row_s_zone_has_its_account_and_id() -> None:
    found, failed = with_zones(settings(), [row("a.example", "two", "a.example", "Z1"), row("b.example")])

    assert [each.name for each in found.accounts_for("_acme-challenge.www.a.example")] == ["two"]
    assert found.zone_id_for("a.example") == "Z1"
    assert failed == {}


def test_without_a_zone_the_account_is_that_of_its_names() -> None:
    found, _ = with_zones(settings(), [row("a.example", "two")])

    assert [each.name for each in found.accounts_for("_acme-challenge.www.a.example")] == ["two"]


def test_the_configuration_goes_before_and_what_it_leaves_open_the_row_says() -> None:
    rule = ZoneRule("a.example", ("one",), "", (), "strict", {"ttl": 30})

    found, _ = with_zones(settings(rule), [row("a.example", "two", "a.example", "Z1")])

    assert found.zones == (rule._replace(id="Z1"),)


def test_of_two_rows_that_disagree_the_later_one_cannot_be_had() -> None:
    first, second = row("a.example", "one", "example"), row("b.example", "two", "example")

    found, failed = with_zones(settings(), [first, second, row("c.example", "one", "example")])

    assert [each.name for each in found.accounts_for("_acme-challenge.www.a.example")] == ["one"]
    assert list(failed) == ["b.example"]
    assert "row a.example and row b.example disagree" in str(failed["b.example"])


def test_an_id_goes_with_one_account_alone() -> None:
    rule = ZoneRule("a.example", ("one", "two"), "", (), None, {})

    found, _ = with_zones(settings(rule), [row("a.example", "", "a.example", "Z1")])

    with pytest.raises(ConfigError, match=r"\bZ1\b.* a\.example"):
        found.zone_id_for("a.example")


CAA = """
@ CAA 0 issue "ca.example"
closed CAA 0 issue "another.example"
wild CAA 0 issue "ca.example"
wild CAA 0 issuewild ";"
"""


def test_what_caa_forbids_and_what_nobody_has_is_set_aside_with_its_reason(tmp_path: Path) -> None:
    """Each by itself, and before anything is ordered."""
    with Stage(tmp_path, text=CAA) as stage:
        settings = load_settings({**stage.environ, "DNS01_CONFIG": ""})
        wanted = [
            WantedCertificate(name, names)
            for name, names in {
                "open": ("www.example.org", "*.example.org"),
                "closed": ("www.example.org", "www.closed.example.org"),
                "wild": ("wild.example.org", "*.wild.example.org"),
                "nobody": ("www.nobody.invalid",),
            }.items()
        ]

        failed = set_aside(wanted, Placements(settings), Issuer(("ca.example",)))

    assert {name: type(error) for name, error in failed.items()} == {
        "closed": CaaForbids,
        "wild": CaaForbids,
        "nobody": DelegationError,
    }
    assert " *.wild.example.org: " in str(failed["wild"])
