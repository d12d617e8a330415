"""Zones that the public DNS does not have, and CNAMEs in and out of them.

The numbers are those of the readiness cases.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import KEY, Client
from testbed import Bind, Knot, NameServer, PowerDNS, World, Zone
from testbed.world import HostedZone

from dns01.errors import DelegationError, ZoneNotFound
from dns01.hooks.challenge.placement import Placement, Placements
from dns01.hooks.config.load import load_settings

INSIDE, ELSEWHERE = "127.3.0.1", "127.3.0.2"
NAS = "_acme-challenge.nas.lan"
WEB = "_acme-challenge.web.corp.internal"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def example(world: World) -> HostedZone:
    return world.zone("example.org", {"ns1.example.org": "127.1.0.1"})


def placed(world: World, name: str, **environ: str) -> Placement:
    """Where the name's record goes, with the one account that the variables describe."""
    variables = {"DNS01_CONFIG": "", "DNS01_RESOLVERS": world.resolver.address, **environ}
    return Placements(load_settings(variables)).find([name])[name]


def by_updates(world: World, name: str, server: str = INSIDE) -> Placement:
    return placed(world, name, DNS01_PROVIDER="rfc2136", RFC2136_NAMESERVER=server)


def addresses(place: Placement) -> list[str]:
    return [address.ip for server in place.servers for address in server.addresses]


# Without `nameservers`


@pytest.mark.parametrize("kind", [Bind, Knot, PowerDNS])
def test_39_a_zone_that_the_public_dns_does_not_know_is_asked_of_the_accounts_own_server(
    world: World, capsys: pytest.CaptureFixture[str], kind: type[Bind]
) -> None:
    with kind(INSIDE, {"lan": ""}):
        place = by_updates(world, NAS)

    assert (place.target, place.apex, addresses(place)) == (NAS, "lan", [INSIDE])
    assert place.readiness == "authoritative"
    assert f"lan is not in the public DNS: {INSIDE}, where the account" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("apex", "name"),
    [
        ("corp.internal", WEB),
        ("home.arpa", "_acme-challenge.home.arpa"),
        ("example.test", "_acme-challenge.deep.below.example.test"),
        ("unregistered.org", "_acme-challenge.unregistered.org"),
        ("1.168.192.in-addr.arpa", "_acme-challenge.1.168.192.in-addr.arpa"),
    ],
)
def test_39_so_is_any_other_zone_of_that_kind(world: World, apex: str, name: str) -> None:
    with NameServer(INSIDE, zones=[Zone(apex, "", {f"ns1.{apex}": INSIDE})]):
        place = by_updates(world, name)
    assert (place.apex, addresses(place), place.private) == (apex, [INSIDE], True)


def test_39_where_that_server_does_not_answer_for_it_the_error_comes_before_publishing(world: World) -> None:
    with (
        NameServer(INSIDE),
        pytest.raises(DelegationError, match=f"{NAS} .* the root ") as caught,
    ):
        by_updates(world, NAS)
    assert f"nor does {INSIDE} answer for it" in str(caught.value)
    assert "nameservers" in caught.value.hint
    assert "DNS01_NAMESERVERS" in caught.value.hint


def test_39_an_account_without_a_server_is_told_to_name_some(world: World) -> None:
    with pytest.raises(DelegationError, match=NAS) as caught:
        placed(world, NAS, DNS01_PROVIDER="memory", DNS01_MEMORY_ZONES="lan")
    assert '[zone."nas.lan"]' in caught.value.hint


@pytest.mark.parametrize("name", ["_acme-challenge.example.orgg", "_acme-challenge.www.example.orgg"])
def test_47_a_name_under_a_tld_that_is_missing_is_in_no_zone(world: World, name: str) -> None:
    with (
        Bind(INSIDE, {"example.org": ""}),
        pytest.raises(DelegationError, match=f"{name} .* the root "),
    ):
        by_updates(world, name)


def test_47_a_name_that_nobody_has_registered_is_in_no_zone(world: World) -> None:
    with pytest.raises(
        DelegationError, match=r"_acme-challenge\.examplle\.org is not in the DNS: org does not delegate it$"
    ):
        placed(
            world, "_acme-challenge.examplle.org", DNS01_PROVIDER="memory", DNS01_MEMORY_ZONES="example.org"
        )


def test_47_the_public_zone_of_an_account_is_not_asked_of_its_server(
    world: World, example: HostedZone
) -> None:
    place = placed(
        world, "_acme-challenge.example.org", DNS01_PROVIDER="rfc2136", RFC2136_NAMESERVER="127.1.0.1"
    )
    assert (place.private, place.readiness) == (False, "public")


@pytest.mark.parametrize("kind", [Bind, Knot])
@pytest.mark.parametrize(
    ("apex", "name"),
    [
        ("lab.example.org", "_acme-challenge.h.lab.example.org"),
        ("lab.example.org", "_acme-challenge.lab.example.org"),
        ("a.lab.example.org", "_acme-challenge.h.a.lab.example.org"),
    ],
)
def test_39_a_zone_beneath_a_public_one_that_nobody_delegates_is_asked_of_the_accounts_own_server(
    world: World,
    example: HostedZone,
    capsys: pytest.CaptureFixture[str],
    kind: type[Bind],
    apex: str,
    name: str,
) -> None:
    with kind(INSIDE, {apex: ""}):
        place = by_updates(world, name)

    assert (place.apex, addresses(place), place.private) == (apex, [INSIDE], True)
    assert f"{apex} is not in the public DNS: {INSIDE}, where the account" in capsys.readouterr().err


def test_39_a_zone_that_a_cname_leads_to_from_outside_has_to_be_delegated(
    world: World, example: HostedZone
) -> None:
    example.set("_acme-challenge.example.org", "CNAME", "org.acme.example.net.")
    world.zone("example.net", {"ns1.example.net": "127.1.0.3"})
    with (
        Bind(INSIDE, {"acme.example.net": ""}),
        pytest.raises(ZoneNotFound, match="is not authoritative for"),
    ):
        by_updates(world, "_acme-challenge.example.org")


def test_39_a_server_without_such_a_zone_is_no_primary_of_the_public_one(
    world: World, example: HostedZone
) -> None:
    with Bind(INSIDE, {"lab.example.org": ""}), pytest.raises(ZoneNotFound, match="is not authoritative for"):
        by_updates(world, "_acme-challenge.www.example.org")


class InternalView(Bind):
    """A zone www.example.org for all but the holder of the key (certbot/certbot#8804)."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        for apex in ("example.org", "www.example.org"):
            shutil.copy(self.folder / f"{apex}.zone", self.folder / f"{apex}.inside")
        inside = "".join(
            f'zone "{apex}" {{ type primary; file "{apex}.inside"; }};'
            for apex in ("example.org", "www.example.org")
        )
        path = self.folder / "named.conf"
        head, _, zones = path.read_text().partition('zone "example.org"')
        own = f'zone "example.org"{zones.partition(chr(10))[0]}'
        path.write_text(
            f'{head} view "key" {{ match-clients {{ key "{KEY.name}"; }}; {own} }};'
            f' view "inside" {{ match-clients {{ any; }}; {inside} }};'
        )
        return command


def test_44_a_zone_that_the_key_s_view_lacks_is_told_to_be_one_of_views(world: World) -> None:
    world.delegate("example.org", {"ns.example.org": INSIDE})
    with (
        InternalView(INSIDE, {"example.org": f"ns A {INSIDE}", "www.example.org": ""}, keys=[KEY]),
        pytest.raises(ZoneNotFound, match=r"belongs to the zone www\.example\.org") as caught,
    ):
        placed(
            world,
            "_acme-challenge.www.example.org",
            DNS01_PROVIDER="rfc2136",
            RFC2136_NAMESERVER=INSIDE,
            RFC2136_TSIG_KEY=KEY.name,
            RFC2136_TSIG_SECRET=KEY.secret,
        )
    assert "match-clients" in caught.value.hint


def test_39_of_a_cname_that_leads_nowhere_the_cname_is_to_be_mended(
    world: World, example: HostedZone
) -> None:
    example.set("_acme-challenge.example.org", "CNAME", "x.auth.gone.org.")
    with pytest.raises(DelegationError, match=r"x\.auth\.gone\.org is not in the DNS") as caught:
        by_updates(world, "_acme-challenge.example.org")
    assert "remove or correct the CNAME at _acme-challenge.example.org" in caught.value.hint


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"DNS01_CA": "letsencrypt"}, 6),
        ({"DNS01_CA": "https://acme.zerossl.com/v2/DV90"}, 6),
        ({"DNS01_CA": "https://ca.corp.internal/acme/directory"}, 0),
        ({"DNS01_CA": "ca.corp.internal"}, 0),
        ({}, 0),
        ({"DNS01_CA": "letsencrypt", "DNS01_NAMESERVERS": INSIDE}, 0),  # the world may have another DNS
    ],
)
def test_39_an_order_for_it_from_a_ca_that_cannot_see_it_ends_before_publishing(
    world: World, tmp_path: Path, environ: dict[str, str], code: int
) -> None:
    variables = {
        "PATH": os.environ["PATH"],
        "DNS01_CONFIG": "",
        "DNS01_STATE_DIR": str(tmp_path / "state"),
        "DNS01_PROVIDER": "rfc2136",
        "RFC2136_NAMESERVER": INSIDE,
        "RFC2136_TSIG_KEY": KEY.name,
        "RFC2136_TSIG_SECRET": KEY.secret,
        "DNS01_RESOLVERS": world.resolver.address,
    }
    with (
        Bind(INSIDE, {"unregistered.org": ""}, keys=[KEY]) as bind,
        Client(tmp_path / "client", "dehydrated", variables) as client,
    ):
        said = client("deploy_challenge", "unregistered.org", "token", "x" * 43, **environ)
        published = bind.txt("_acme-challenge.unregistered.org")

    assert said.code == code, said.stderr
    assert bool(published) == (code == 0)
    assert ("cannot see _acme-challenge.unregistered.org" in said.stderr) == (code == 6)


# With `nameservers`


def test_40_a_resolver_in_their_place_is_told_at_once(world: World, example: HostedZone) -> None:
    with pytest.raises(DelegationError, match="answers like a resolver") as caught:
        placed(
            world,
            "_acme-challenge.example.org",
            DNS01_PROVIDER="memory",
            DNS01_MEMORY_ZONES="example.org",
            DNS01_NAMESERVERS=world.resolver.address,
        )
    assert str(caught.value).endswith("and not as a name server of its zone")
    assert "DNS01_RESOLVERS" in caught.value.hint


def named(world: World, name: str, zones: str) -> Placement:
    return placed(world, name, DNS01_PROVIDER="memory", DNS01_MEMORY_ZONES=zones, DNS01_NAMESERVERS=INSIDE)


@pytest.mark.parametrize("kind", [Bind, Knot, PowerDNS])
def test_40_a_cname_inside_is_followed_by_those_servers(world: World, kind: type[Bind]) -> None:
    corp = "_acme-challenge.web CNAME web.acme.corp.internal."
    with kind(INSIDE, {"corp.internal": corp, "acme.corp.internal": ""}):
        place = named(world, WEB, "corp.internal,acme.corp.internal")

    assert (place.target, place.apex) == ("web.acme.corp.internal", "acme.corp.internal")
    assert addresses(place) == [INSIDE]


def test_40_what_is_delegated_inside_is_asked_of_the_servers_it_is_delegated_to(world: World) -> None:
    corp = f"acme NS ns.acme\nns.acme A {ELSEWHERE}\n_acme-challenge.web CNAME web.acme"
    with (
        Bind(INSIDE, {"corp.internal": corp}),
        NameServer(ELSEWHERE, zones=[Zone("acme.corp.internal", "", {"ns.acme.corp.internal": ELSEWHERE})]),
    ):
        place = named(world, WEB, "corp.internal,acme.corp.internal")

    assert (place.target, place.apex) == ("web.acme.corp.internal", "acme.corp.internal")


def test_40_a_cname_out_of_it_is_followed_in_the_public_dns(world: World, example: HostedZone) -> None:
    with Bind(INSIDE, {"corp.internal": "_acme-challenge.web CNAME web.example.org."}):
        place = named(world, WEB, "corp.internal,example.org")

    assert (place.target, place.apex) == ("web.example.org", "example.org")


def test_40_a_loop_inside_is_named(world: World) -> None:
    corp = "_acme-challenge.web CNAME a\na CNAME _acme-challenge.web"
    with Bind(INSIDE, {"corp.internal": corp}), pytest.raises(DelegationError, match="circle"):
        named(world, WEB, "corp.internal")


def test_40_a_wildcard_inside_is_overridden_like_any_other(world: World) -> None:
    with Bind(INSIDE, {"corp.internal": "* CNAME host.corp.internal.\nhost A 10.0.0.1"}):
        place = named(world, WEB, "corp.internal")
    assert (place.target, place.apex) == (WEB, "corp.internal")


def test_40_servers_that_say_nothing_leave_the_name_as_it_is(world: World) -> None:
    place = named(world, WEB, "corp.internal")
    assert (place.target, place.apex, addresses(place)) == (WEB, "corp.internal", [INSIDE])


def test_25_a_domain_s_caa_is_that_of_its_own_dns_wherever_its_challenge_is(
    world: World, example: HostedZone, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(f"""
        resolvers = ["{world.resolver.address}"]
        [account.all]
        provider = "memory"
        zones = "example.org,corp.internal"
        [zone."corp.internal"]
        nameservers = ["{INSIDE}"]
    """)
    (tmp_path / "config.toml").chmod(0o600)
    public, inside = "_acme-challenge.example.org", "_acme-challenge.web.corp.internal"
    example.set(public, "CNAME", "acme.corp.internal.")
    with Bind(INSIDE, {"corp.internal": "_acme-challenge.web CNAME acme.example.org."}):
        places = Placements(load_settings({"DNS01_CONFIG": str(tmp_path / "config.toml")}))
        found = places.find([public, inside])

    assert (found[public].private, found[inside].private) == (True, False)
    assert {world.private: names for world, names in places.names_by_discovery(found).items()} == {
        False: {public},
        True: {inside},
    }
