"""What the doctor says of signed zones: each fault planted, and zones that are signed as they should be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from examined import codes, examine
from signed import DAY, SignedBind, SignedKnot
from testbed import Bind, World

from dns01.hooks.commands.doctor.checks.ca_queries.dnssec import check, finding
from dns01.hooks.commands.doctor.finding import Finding, Severity
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.cname_chain import Discovery
from dns01.hooks.dns.inspect.dnssec import validate
from dns01.hooks.dns.inspect.zone_survey import survey_zone

NS1, NS2 = "127.1.0.1", "127.1.0.2"
BOTH = {"ns1.example.org": NS1, "ns2.example.org": NS2}
PLAIN = {"example.org": "@ NS ns1\n@ NS ns2\nns1 A 127.1.0.1\nns2 A 127.1.0.2\n"}
FOREIGN_DS = "12345 13 2 " + "ab" * 32


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def look(world: World, ds: list[str], days: float = 0) -> list[Finding]:
    """What is found so many days from now."""
    world.delegate("example.org", BOTH)
    if ds:
        world.zones["org"].set("example.org", "DS", *ds)
    surveyed = survey_zone(Discovery([Address(world.resolver.address)]), "example.org")
    return list(map(finding, validate(surveyed, lambda: time.time() + days * DAY)))


def the_finding(world: World, ds: list[str], days: float = 0) -> Finding:
    """The one that there has to be."""
    (finding,) = look(world, ds, days)
    return finding


# Healthy


def test_nothing_is_wrong_with_an_unsigned_zone_of_an_unsigned_delegation(world: World) -> None:
    with Bind(NS1, PLAIN):
        assert not codes(look(world, []))


def test_nothing_is_wrong_with_a_zone_that_bind_signed(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN) as bind:
        assert not codes(look(world, bind.ds))


def test_nothing_is_wrong_with_a_zone_that_knot_signs(world: World) -> None:
    with SignedKnot(NS1, PLAIN) as knot:
        assert not codes(look(world, knot.ds))


def test_nothing_is_wrong_when_knot_is_about_to_sign_again(world: World) -> None:
    """Its signatures are good for 14 days, and it renews them when a tenth of that is left."""
    with SignedKnot(NS1, PLAIN) as knot:
        assert not codes(look(world, knot.ds, days=14 * 0.89))


def test_nothing_is_wrong_with_a_signed_zone_that_its_parent_has_no_ds_for(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN, days=-0.5):
        assert not codes(look(world, []))


def test_nothing_is_wrong_with_a_ds_for_a_key_to_come_beside_the_one_in_use(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN) as bind:
        assert not codes(look(world, [*bind.ds, FOREIGN_DS]))


def test_a_ds_of_an_algorithm_that_nobody_validates_is_as_good_as_none(world: World) -> None:
    with Bind(NS1, PLAIN):
        assert not codes(look(world, ["12345 253 2 " + "ab" * 32]))


# The faults


def test_a_ds_for_a_zone_that_is_not_signed(world: World) -> None:
    with Bind(NS1, PLAIN):
        found = the_finding(world, [FOREIGN_DS])

    assert (found.code, found.severity, found.subject) == ("dnssec-bogus", Severity.ERROR, "example.org")
    assert "has a DS" in found.message
    assert "remove the DS record of example.org" in found.remedy[0]


def test_a_ds_that_belongs_to_none_of_the_keys(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN) as bind:
        found = the_finding(world, [FOREIGN_DS])
        wanted = bind.ds[0].split()

    assert (found.code, found.severity) == ("dnssec-bogus", Severity.ERROR)
    assert "12345" in found.message
    record = found.remedy[0].rpartition("example.org. DS ")[2].split()
    assert (record[:3], "".join(record[3:]).upper()) == (wanted[:3], "".join(wanted[3:]))


def test_a_ds_with_the_key_tag_of_a_key_and_another_digest(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN) as bind:
        tag = bind.ds[0].split()[0]

        assert the_finding(world, [f"{tag} 13 2 " + "ab" * 32]).code == "dnssec-bogus"


def test_signatures_that_have_expired(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN, days=-0.5) as bind:
        found = the_finding(world, bind.ds)

    assert (found.code, found.severity) == ("dnssec-bogus", Severity.ERROR)
    assert "the signature of its DNSKEY expired on 20" in found.message
    assert "rndc sign example.org" in found.remedy[0]


def test_a_record_that_was_changed_after_it_was_signed(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN, spoil=("hostmaster", "postmaster")) as bind:
        found = the_finding(world, bind.ds)

    assert found.code == "dnssec-bogus"
    assert "the signature of its SOA does not fit its keys" in found.message


def test_a_record_without_its_signature(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN, spoil=("RRSIG\tSOA", "RRSIG\tTXT")) as bind:
        found = the_finding(world, bind.ds)

    assert found.code == "dnssec-bogus"
    assert "its SOA has no signature" in found.message


def test_the_server_with_old_signatures_is_the_one_that_is_named(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN) as bind, SignedBind(keys, NS2, PLAIN, days=-0.5):
        found = the_finding(world, bind.ds)

    assert found.code == "dnssec-bogus"
    assert found.message.endswith(f"so at ns2.example.org ({NS2})")


def test_signatures_that_are_about_to_expire(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN) as bind:
        found = the_finding(world, bind.ds, days=27)

    assert (found.code, found.severity, found.subject) == (
        "signature-expiring",
        Severity.WARNING,
        "example.org",
    )
    when = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 29 * DAY))
    assert f"expires on {when}" in found.message
    assert found.remedy[0].startswith("sign example.org again: rndc sign example.org (BIND)")


def test_signatures_with_a_tenth_left_are_not_about_to_expire(world: World, keys: Path) -> None:
    with SignedBind(keys, NS1, PLAIN) as bind:
        assert not codes(look(world, bind.ds, days=25.9))


def test_the_zones_of_a_domain_are_found_and_looked_at(world: World) -> None:
    with Bind(NS1, PLAIN):
        world.delegate("example.org", BOTH)
        world.zones["org"].set("example.org", "DS", FOREIGN_DS)

        assert codes(check(examine(world, "*.www.example.org"))) == ["dnssec-bogus"]
