"""The world in which a certificate is issued: who serves the names, and what is left there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import dns.query
import dns.rdatatype
from testbed import Bind, Key, Knot, Pebble, Unbound, World
from testbed.process import Server

# The names of each certificate: the record of "mail" goes into another zone by way of a CNAME,
# and _acme-challenge.shop is a zone of its own.
NAMES = ("example.org", "*.example.org", "mail.example.org", "shop.example.org")
SHOP = "_acme-challenge.shop.example.org"

BIND, KNOT, STANDALONE = "127.1.0.1", "127.1.0.2", "127.1.0.3"
BIND_KEY = Key("dns01.bind", "hmac-sha256", "Zm9yIHRoZSB0ZXN0cyBvZiBkbnMwMSBvbmx5ISEhISE=")
KNOT_KEY = Key("dns01.knot", "hmac-sha512", "Zm9yIHRoZSBvdGhlciB0ZXN0cyBvZiBkbnMwMSBvbmx5IQ==")

# Seconds. A second value at the same name has to wait until the first one's TTL is over.
TTL = 2

# Whoever asks too early is told "no" for an hour, and so is everybody who asks after him.
SOA = "@ 3600 SOA ns.example.org. hostmaster.example.org. 1 3600 600 86400 3600"


class Stage(NamedTuple):
    """A world, a CA that lives in it, and what the hook is told about it by ``environment``."""

    world: World
    ca: Pebble
    environment: Mapping[str, str]
    zones: Mapping[str, Bind | Knot]  # those that the hook writes to

    @property
    def servers(self) -> list[Server]:
        """All whose logs might tell what went wrong."""
        return [self.ca, self.world.resolver, *dict.fromkeys(self.zones.values())]

    def texts(self) -> set[tuple[str, str]]:
        """Every TXT record in the zones, as owner name and value."""
        found = set()
        for apex, server in self.zones.items():
            key = server.keys[0].tsig
            for message in dns.query.xfr(server.address, apex, keyring=key, relativize=False, lifetime=5):
                for rrset in message.answer:
                    if rrset.rdtype == dns.rdatatype.TXT:
                        owner = rrset.name.to_text(omit_final_dot=True)
                        found |= {(owner, b"".join(rdata.strings).decode()) for rdata in rrset}
        return found


@contextmanager
def bind(folder: Path) -> Iterator[Stage]:
    """All zones on one BIND: no referral tells of the child. One account, by variables."""
    zones = {"example.org": _domain("ns.example.org"), SHOP: _child("ns.example.org"), "example.net": SOA}
    with world_and_ca() as (world, ca), Bind(BIND, zones, keys=[BIND_KEY]) as server:
        world.delegate("example.org", {"ns.example.org": BIND})
        world.delegate("example.net", {"ns.example.net": BIND})
        environment = {
            "DNS01_PROVIDER": "rfc2136",
            "DNS01_RESOLVERS": world.resolver.address,
            "DNS01_TTL": str(TTL),
            "RFC2136_NAMESERVER": BIND,
            "RFC2136_TSIG_FILE": str(server.key_file(BIND_KEY.name)),
        }
        yield Stage(world, ca, environment, dict.fromkeys(zones, server))


@contextmanager
def knot(folder: Path) -> Iterator[Stage]:
    """The domain on Knot, the zones that its challenges lead to on BIND: two accounts, in a file."""
    at_knot = {"example.org": _domain("ns.example.net")}
    at_bind = {SHOP: _child("ns.example.net"), "example.net": SOA}
    with (
        world_and_ca() as (world, ca),
        Knot(KNOT, at_knot, keys=[KNOT_KEY]) as here,
        Bind(BIND, at_bind, keys=[BIND_KEY]) as there,
    ):
        world.delegate("example.org", {"ns.example.org": KNOT})
        world.delegate("example.net", {"ns.example.net": BIND})
        _write_secretly(folder / "bind.secret", BIND_KEY.secret)
        _write_secretly(folder / "config.toml", _two_accounts(world.resolver.address))
        environment = {"DNS01_CONFIG": str(folder / "config.toml")}
        yield Stage(world, ca, environment, dict.fromkeys(at_knot, here) | dict.fromkeys(at_bind, there))


@contextmanager
def standalone(folder: Path) -> Iterator[Stage]:
    """The domain is with somebody who has no API: its challenges were delegated to this host once
    and for all, two by NS, one by a CNAME into a zone that this host has."""
    with world_and_ca() as (world, ca):
        records = (
            f"{SOA}\n"
            "_acme-challenge      NS    host.example.net.\n"
            "_acme-challenge.shop NS    host.example.net.\n"
            "_acme-challenge.mail CNAME mail.acme.example.net.\n"
        )
        world.zone("example.org", {"ns.example.org": "127.1.0.4"}, records)
        world.zone("example.net", {"ns.example.net": "127.1.0.5"}, f"host A {STANDALONE}\nacme NS host")
        environment = {
            "DNS01_PROVIDER": "standalone",
            "DNS01_RESOLVERS": world.resolver.address,
            "DNS01_TTL": str(TTL),
            "STANDALONE_ADDRESS": STANDALONE,
            "STANDALONE_NS": "host.example.net",
        }
        yield Stage(world, ca, environment, {})


STAGES: Mapping[str, Callable[[Path], AbstractContextManager[Stage]]] = {
    "bind": bind,
    "knot": knot,
    "standalone": standalone,
}


@contextmanager
def world_and_ca() -> Iterator[tuple[World, Pebble]]:
    """A root, the resolver of the client's host, and a CA whose own resolver keeps what it has
    heard for a minute, as those of Let's Encrypt do."""
    with ExitStack() as stack:
        world = stack.enter_context(World())
        memory = "cache-max-ttl: 60\ncache-max-negative-ttl: 60"
        stack.enter_context(Unbound("127.0.0.54", root_hints=world.root_hints, extra_options=memory))
        yield world, stack.enter_context(Pebble(resolver="127.0.0.54:53"))


def _domain(shop_ns: str) -> str:
    return (
        f"{SOA}\n"
        "_acme-challenge.mail CNAME mail.challenges.example.net.\n"
        f"_acme-challenge.shop NS    {shop_ns}.\n"
    )


def _child(ns: str) -> str:
    return f"{SOA}\n@ NS {ns}.\n"


def _two_accounts(resolver: str) -> str:
    return f"""
        resolvers = ["{resolver}"]

        [account.knot]
        provider = "rfc2136"
        nameserver = "{KNOT}"
        tsig_key = "{KNOT_KEY.name}"
        tsig_algorithm = "{KNOT_KEY.algorithm}"
        tsig_secret = "{KNOT_KEY.secret}"
        ttl = {TTL}

        [account.bind]
        provider = "rfc2136"
        nameserver = "{BIND}"
        tsig_key = "{BIND_KEY.name}"
        tsig_secret = {{ file = "bind.secret" }}
        ttl = {TTL}

        [zone."example.org"]
        account = "knot"

        [zone."{SHOP}"]
        account = "bind"

        [zone."example.net"]
        account = "bind"
    """


def _write_secretly(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text)
