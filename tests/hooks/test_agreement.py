"""Worlds of zones and accounts in which an order and the doctor have to come to the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from calls import Client, Said
from contract import validation
from testbed import Bind, Key, World

from dns01.errors import DelegationError, NotReady

SECRET = "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw=="
VALUE = validation("a")
CHALLENGE = "_acme-challenge.example.org"


class Hoster(NamedTuple):
    """A zone at a BIND of its own, with the key that one account alone has."""

    account: str
    zone: str
    address: str
    text: str = ""
    delegated: bool = True  # by the TLD; else one of the others has a delegation in its text

    @property
    def key(self) -> Key:
        return Key(self.account, "hmac-sha256", SECRET)

    @property
    def config(self) -> str:
        return (
            f'[account.{self.account}]\nprovider = "rfc2136"\ntimeout = 20\nnameserver = "{self.address}"\n'
            f'tsig_key = "{self.account}"\ntsig_secret = "{SECRET}"\n'
            f'[zone."{self.zone}"]\naccount = "{self.account}"\n'
        )


class Place:
    """The hosters in a World, and a person and a client who have all of their accounts."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.binds: dict[str, Bind] = {}

    def host(self, *hosters: Hoster, ca: str = "letsencrypt") -> None:
        for hoster in hosters:
            self.binds[hoster.zone] = self.world.enter(
                Bind(hoster.address, {hoster.zone: hoster.text}, [hoster.key])
            )
            if hoster.delegated:
                self.world.delegate(hoster.zone, {f"ns.{hoster.zone}": hoster.address})
        config = self.folder / "config.toml"
        config.write_text(
            f'ca = "{ca}"\nresolvers = ["{self.world.resolver.address}"]\n'
            + "".join(hoster.config for hoster in hosters)
        )
        config.chmod(0o600)
        environ = {"DNS01_CONFIG": str(config), "DNS01_STATE_DIR": str(self.folder / "state")}
        self.client = self.world.enter(Client(self.folder / "client", "dehydrated", environ))
        self.person = self.world.enter(Client(self.folder / "person", "bash", environ))

    def order(self, domain: str = "example.org") -> Said:
        return self.client("deploy_challenge", domain, "token", VALUE)

    def found(self, domain: str = "example.org") -> Mapping[str, str]:
        """What the doctor has against it, by code."""
        said = self.person("doctor", domain, "--json")
        findings = json.loads(said.stdout)["domains"][0]["findings"]
        return {each["code"]: each["severity"] for each in findings if each["check"] != "client"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with World() as world:
        yield Place(world, tmp_path)


ONE, TWO, THREE = "127.1.0.1", "127.1.0.2", "127.1.0.3"


def test_13_a_chain_over_the_zones_of_three_accounts(place: Place) -> None:
    place.host(
        Hoster("first", "example.org", ONE, "_acme-challenge CNAME a.middle.net."),
        Hoster("second", "middle.net", TWO, "a CNAME b.last.test."),
        Hoster("third", "last.test", THREE),
    )
    assert place.found() == {}
    said = place.order()
    assert said.code == 0, said.stderr
    assert place.binds["last.test"].txt("b.last.test") == {VALUE}
    assert place.client("clean_challenge", "example.org", "token", VALUE).code == 0
    assert place.binds["last.test"].txt("b.last.test") == set()


def test_14_a_loop_through_the_zone_of_another_account(place: Place) -> None:
    place.host(
        Hoster("first", "example.org", ONE, "_acme-challenge CNAME a.middle.net."),
        Hoster("second", "middle.net", TWO, f"a CNAME {CHALLENGE}."),
    )
    said = place.order()
    assert said.code == DelegationError.exit_code
    assert place.found() == {"cname-loop": "error"}


def test_13_a_dname_above_the_domain_leads_into_another_account(place: Place) -> None:
    place.host(
        Hoster("first", "example.org", ONE, "sub DNAME moved.middle.net."),
        Hoster("second", "middle.net", TWO, "www.moved A 192.0.2.1"),
    )
    assert place.found("www.sub.example.org") == {}
    said = place.order("www.sub.example.org")
    assert said.code == 0, said.stderr
    assert place.binds["middle.net"].txt("_acme-challenge.www.moved.middle.net") == {VALUE}


def test_15_a_wildcard_beneath_the_challenge_name_is_no_matter(place: Place) -> None:
    place.host(Hoster("first", "example.org", ONE, "*._acme-challenge CNAME elsewhere.test."))
    assert place.found() == {}
    said = place.order()
    assert said.code == 0, said.stderr
    assert place.binds["example.org"].txt(CHALLENGE) == {VALUE}


def test_15_a_wildcard_cname_into_another_account_is_overridden(place: Place) -> None:
    place.host(
        Hoster("first", "example.org", ONE, "* CNAME www.middle.net."),
        Hoster("second", "middle.net", TWO, "www A 192.0.2.1"),
    )
    assert set(place.found()) == {"wildcard-cname"}
    said = place.order()
    assert said.code == 0, said.stderr
    assert place.binds["example.org"].txt(CHALLENGE) == {VALUE}


def test_16_a_cut_at_the_challenge_name_whose_zone_another_account_has(place: Place) -> None:
    host = "ns2.example.org."
    place.host(
        Hoster("first", "example.org", ONE, f"_acme-challenge NS ns2\nns2 A {TWO}"),
        Hoster("second", CHALLENGE, TWO, f"@ SOA {host} h.example.org. 1 3600 600 86400 60\n@ NS {host}"),
    )
    assert place.found() == {}
    said = place.order()
    assert said.code == 0, said.stderr
    assert place.binds[CHALLENGE].txt(CHALLENGE) == {VALUE}
    assert place.binds["example.org"].txt(CHALLENGE) == set()


def test_35_an_account_with_a_copy_that_the_world_does_not_read(place: Place) -> None:
    place.host(Hoster("first", "example.org", ONE))
    stale = Hoster("second", "example.org", TWO)
    config = place.folder / "config.toml"
    text = config.read_text().replace('account = "first"', 'account = "second"')
    config.write_text(text + stale.config.partition("[zone")[0])
    with Bind(TWO, {"example.org": ""}, [stale.key]):
        assert place.order().code != 0
        assert "error" in place.found().values()
    assert place.binds["example.org"].txt(CHALLENGE) == set()


def test_2_one_server_of_three_is_too_few_where_servers_alone_are_believed(place: Place) -> None:
    place.host(Hoster("first", "example.org", ONE))
    hosts = {"ns.example.org": ONE, "ns2.example.org": "127.9.9.2", "ns3.example.org": "127.9.9.3"}
    place.world.delegate("example.org", hosts)
    config = place.folder / "config.toml"
    config.write_text(
        'readiness = "authoritative"\n' + config.read_text().replace("timeout = 20", "timeout = 8")
    )

    assert place.found()["too-few-servers"] == "error"
    said = place.order()

    assert said.code == NotReady.exit_code


# As people have reported it of other clients


def test_16_a_zone_between_the_domain_and_its_name_is_another_accounts(place: Place) -> None:
    """https://github.com/go-acme/lego/issues/2502"""
    place.host(
        Hoster("first", "example.org", ONE, f"i NS ns.i\nns.i A {TWO}"),
        Hoster("second", "i.example.org", TWO, delegated=False),
    )
    assert place.found("test.i.example.org") == {}
    said = place.order("test.i.example.org")
    assert said.code == 0, said.stderr
    assert place.binds["i.example.org"].txt("_acme-challenge.test.i.example.org") == {VALUE}


def test_16_a_cut_beneath_a_name_that_has_no_records(place: Place) -> None:
    """https://github.com/go-acme/lego/pull/116"""
    apex, host = "_acme-challenge.www.example.org", "ns2.example.org."
    place.host(
        Hoster("first", "example.org", ONE, f"_acme-challenge.www NS ns2\nns2 A {TWO}"),
        Hoster("second", apex, TWO, f"@ SOA {host} h.example.org. 1 3600 600 86400 60\n@ NS {host}", False),
    )
    assert place.found("www.example.org") == {}
    said = place.order("www.example.org")
    assert said.code == 0, said.stderr
    assert place.binds[apex].txt(apex) == {VALUE}


def test_13_a_cname_into_a_zone_that_its_parent_delegates_to_a_host_of_its_own(place: Place) -> None:
    """https://github.com/go-acme/lego/issues/1710"""
    place.host(
        Hoster("first", "example.org", ONE, "_acme-challenge CNAME user.acme.hoster.net."),
        Hoster("second", "hoster.net", TWO, f"acme NS inner.acme\ninner.acme A {THREE}"),
        Hoster("third", "acme.hoster.net", THREE, delegated=False),
    )
    assert "error" not in place.found().values()
    said = place.order()
    assert said.code == 0, said.stderr
    assert place.binds["acme.hoster.net"].txt("user.acme.hoster.net") == {VALUE}


def warnings(said: Said) -> list[str]:
    return [line for line in said.stderr.splitlines() if line.startswith(" ! ")]


def test_47_a_domain_that_is_delegated_after_a_first_try_is_found_at_once(place: Place) -> None:
    """https://github.com/cert-manager/cert-manager/issues/5515"""
    place.host(Hoster("first", "unregistered.org", ONE, delegated=False))
    # its own server answers for it, which is said, and is enough where the CA is one of somebody's own
    (warning,) = warnings(place.order("unregistered.org"))
    assert ONE in warning

    place.world.delegate("unregistered.org", {"ns.unregistered.org": ONE})
    said = place.order("www.unregistered.org")
    assert said.code == 0, said.stderr
    assert warnings(said) == []


@pytest.mark.parametrize(
    ("ca", "found", "code"),
    [
        ("https://ca.corp.internal/acme/acme/directory", {"zone-private": "note"}, 0),
        ("https://192.0.2.8/directory", {"zone-missing": "error"}, 0),  # which may see what this machine sees
        ("letsencrypt", {"zone-missing": "error"}, 6),
    ],
)
def test_39_a_zone_that_the_accounts_server_alone_has(
    place: Place, ca: str, found: Mapping[str, str], code: int
) -> None:
    place.host(Hoster("first", "lan", ONE, delegated=False), ca=ca)
    assert place.found("nas.lan") == found
    said = place.order("nas.lan")
    assert said.code == code, said.stderr
