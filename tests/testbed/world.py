"""A small DNS of our own on loopback: a root, top-level domains, zones, and a real resolver."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property

import dns.name

from .nameserver import NameServer
from .process import Group
from .servers import Unbound
from .zone import Nameservers, Zone

ROOT = {"a.root-servers.net": "127.0.0.2"}
TLDS = {"org": "127.0.0.3", "net": "127.0.0.4", "test": "127.0.0.5"}


class HostedZone(Zone):
    """A zone and the servers that have it, in the order of the addresses given for them.

    ``zone.servers[1].lag = 20; zone.set("_acme-challenge.example.org", "TXT", "value")``
    """

    servers: Sequence[NameServer] = ()


class World(Group):
    """The root at 127.0.0.2, ``org``, ``net`` and ``test`` beneath it, and what the test adds.

    ``with World() as world: zone = world.zone("example.org", {"ns1.example.org": "127.1.0.1"})``

    ``world.servers`` has every NameServer by its address, ``world.zones`` every zone by its apex
    (the root's is ``.``). ``world.resolver`` is an unbound that starts when it is first asked
    for; ``cache=False`` makes it forget at once.
    """

    def __init__(self, *, cache: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self.servers: dict[str, NameServer] = {}
        self.zones: dict[str, HostedZone] = {}
        self.root_hints = ROOT
        self._cache = cache
        self._clock = clock
        self._hosts: dict[str, str | Sequence[str]] = {}

    def set_up(self) -> None:
        self.zone(".", ROOT, delegated=False)
        for tld, address in TLDS.items():
            self.zone(tld, {f"ns.nic.{tld}": address})

    @cached_property
    def resolver(self) -> Unbound:
        """A recursive resolver at 127.0.0.53:53 that starts from this world's root."""
        return self.enter(Unbound("127.0.0.53", root_hints=ROOT, cache=self._cache))

    def zone(
        self,
        apex: str,
        nameservers: Nameservers,
        text: str = "",
        *,
        parent_ns: Nameservers | None = None,
        delegated: bool = True,
        ttl: int = 60,
        negative_ttl: int = 60,
    ) -> HostedZone:
        """A zone on a NameServer at each of the addresses (one server for all zones there).

        The enclosing zone of this world delegates it, to ``parent_ns`` if given instead of the
        zone's own, unless ``delegated`` is False. TTLs are in seconds.
        """
        zone = HostedZone(apex, text, nameservers, ttl=ttl, negative_ttl=negative_ttl, clock=self._clock)
        zone.servers = [self._server(address) for address in _addresses(nameservers)]
        for server in zone.servers:
            server.serve(zone)
        if delegated:
            self.delegate(apex, parent_ns or nameservers)
        self.zones[apex] = zone
        self._hosts |= nameservers
        for host, addresses in self._hosts.items():
            if self._deepest(host) is zone:
                zone.set_addresses({host: addresses})
        return zone

    def delegate(self, apex: str, nameservers: Nameservers) -> None:
        """NS records with glue in the enclosing zone, for a zone that the test serves itself.

        The addresses of hosts elsewhere go into the zone of this world that those are in.
        """
        parent = self._deepest(apex, strictly=True)
        parent.set(apex, "NS", *(f"{host}." for host in nameservers))
        for host, addresses in nameservers.items():
            for zone in {parent, self._deepest(host)}:
                zone.set_addresses({host: addresses})
        self._hosts |= nameservers

    def _server(self, address: str) -> NameServer:
        if address not in self.servers:
            self.servers[address] = self.enter(NameServer(address, clock=self._clock))
        return self.servers[address]

    def _deepest(self, name: str, *, strictly: bool = False) -> HostedZone:
        """The zone of this world that the name is in; with ``strictly``, another than its own."""
        wanted = dns.name.from_text(name)
        fitting = [
            zone
            for zone in self.zones.values()
            if wanted.is_subdomain(zone.apex) and not (strictly and zone.apex == wanted)
        ]
        return max(fitting, key=lambda zone: len(zone.apex))


def _addresses(nameservers: Nameservers) -> list[str]:
    every = [[each] if isinstance(each, str) else each for each in nameservers.values()]
    return list(dict.fromkeys(address for addresses in every for address in addresses))
