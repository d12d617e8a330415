"""Set-ups with nothing wrong about them: all checks together have to find nothing there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from calls import KEY
from examined import examine
from signed import SignedBind, SignedKnot
from testbed import Bind, Key, Knot, PowerDNS, World

from dns01.hooks.commands.doctor.checks.registry import CHECKS
from dns01.hooks.commands.doctor.examine import diagnose

NAME = "_acme-challenge.example.org"
ONE, TWO, THREE = "127.1.0.1", "127.1.0.2", "127.1.0.3"
EMBEDDED = (f"127.0.53.{last}" for last in range(10, 250))  # a server stays until its process ends


class Site:
    """example.org in a World, served by whatever a set-up starts. ``folder`` is all its own."""

    def __init__(self, world: World, stack: ExitStack, folder: Path) -> None:
        self.world = world
        self.start = stack.enter_context
        self.folder = folder
        self.host = next(EMBEDDED)

    def updates(self, address: str, key: Key = KEY) -> dict[str, str]:
        """The account of a server that takes dynamic updates."""
        return {
            "DNS01_PROVIDER": "rfc2136",
            "RFC2136_NAMESERVER": address,
            "RFC2136_TSIG_KEY": key.name,
            "RFC2136_TSIG_SECRET": key.secret,
        }

    def embedded(self) -> dict[str, str]:
        """The account of nobody: the server of the hook itself."""
        return {
            "DNS01_PROVIDER": "standalone",
            "STANDALONE_ADDRESS": self.host,
            "STANDALONE_NS": "host.example.org",
            "STANDALONE_DIR": str(self.folder / "standalone"),
        }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack.enter_context(World()), stack, tmp_path)


def bind(site: Site) -> Mapping[str, str]:
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def knot(site: Site) -> Mapping[str, str]:
    site.start(Knot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return site.updates(ONE)


def powerdns(site: Site) -> Mapping[str, str]:
    server = site.start(PowerDNS(ONE, {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    url = server.url.removesuffix("/api/v1/servers/localhost")
    return {"DNS01_PROVIDER": "powerdns", "PDNS_API_KEY": server.api_key, "PDNS_API_URL": url}


def standalone_by_delegation(site: Site) -> Mapping[str, str]:
    zone = site.world.zone("example.org", {"ns1.example.org": ONE})
    zone.set(NAME, "NS", "host.example.org.")
    zone.set_addresses({"host.example.org": site.host})
    return site.embedded()


def standalone_by_cname(site: Site) -> Mapping[str, str]:
    zone = site.world.zone("example.org", {"ns1.example.org": ONE})
    zone.set(NAME, "CNAME", "example.acme.example.org.")
    zone.set("acme.example.org", "NS", "host.example.org.")
    zone.set_addresses({"host.example.org": site.host})
    return site.embedded()


def cname_delegated(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", {"ns1.example.org": ONE}).set(NAME, "CNAME", "example.challenges.net.")
    site.start(Bind(TWO, {"challenges.net": ""}, [KEY]))
    site.world.delegate("challenges.net", {"ns.challenges.net": TWO})
    return site.updates(TWO)


def zone_delegated(site: Site) -> Mapping[str, str]:
    site.world.zone("example.org", {"ns1.example.org": ONE})
    soa = "@ SOA ns2.example.org. hostmaster.example.org. 1 3600 600 86400 60"  # BIND allows no _ here
    site.start(Bind(TWO, {NAME: f"{soa}\n@ NS ns2.example.org."}, [KEY]))
    site.world.delegate(NAME, {"ns2.example.org": TWO})
    return site.updates(TWO)


def signed_by_hand(site: Site) -> Mapping[str, str]:
    server = site.start(SignedBind(site.folder / "keys", ONE, {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return {}


def signed_by_the_server(site: Site) -> Mapping[str, str]:
    server = site.start(SignedKnot(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *server.ds)
    return site.updates(ONE)


def ipv6_only(site: Site) -> Mapping[str, str]:
    site.start(Bind("fd53::1", {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": "fd53::1"})
    return site.updates("[fd53::1]")


def many_servers(site: Site) -> Mapping[str, str]:
    hosts = {f"ns{number}.example.org": [f"127.1.{number}.1", f"fd53::{number}"] for number in range(2, 8)}
    site.world.zone("example.org", hosts)
    return {}


def servers_in_other_zones(site: Site) -> Mapping[str, str]:
    site.world.zone("hoster.net", {"ns1.hoster.net": TWO, "ns2.hoster.net": THREE})
    site.world.zone("example.org", {"ns1.hoster.net": TWO, "ns2.hoster.net": THREE})
    return {}


def with_caa(site: Site) -> Mapping[str, str]:
    zone = site.world.zone("example.org", {"ns1.example.org": ONE, "ns2.example.org": TWO})
    zone.set("example.org", "CAA", '0 issue "letsencrypt.org"', '0 iodef "mailto:hostmaster@example.org"')
    return {"DNS01_CA": "letsencrypt"}


SETUPS = (
    bind,
    knot,
    powerdns,
    standalone_by_delegation,
    standalone_by_cname,
    cname_delegated,
    zone_delegated,
    signed_by_hand,
    signed_by_the_server,
    ipv6_only,
    many_servers,
    servers_in_other_zones,
    with_caa,
)


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("domain", ["example.org", "*.example.org"])
def test_nothing_is_found(site: Site, domain: str, setup: Callable[[Site], Mapping[str, str]]) -> None:
    account = setup(site)
    state = str(site.folder / "state")
    examined = examine(site.world, domain, DNS01_STATE_DIR=state, **account)

    diagnosis = diagnose(examined._replace(root=str(site.folder)), CHECKS)

    assert [each for findings in diagnosis.findings.values() for each in findings] == []
    assert diagnosis.delegation.servers
    assert "_acme-challenge" not in site.world.resolver.log


def test_every_subject_has_its_check() -> None:
    assert list(CHECKS) == [
        "configuration", "scope", "delegation", "servers", "dnssec", "views", "caa", "leftovers", "client",
        "clock",
    ]  # fmt: skip
