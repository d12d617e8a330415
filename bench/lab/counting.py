"""A DNS that counts what a client asks it: how often, and whom.

BIND takes the updates, and is hidden behind the two name servers that every zone has. What the
resolver and the CA ask does not count.
"""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory

import dns.message
import dns.query
import dns.rdatatype
from testbed import Bind, NameServer, Pebble, Unbound, World, netns

from . import CA_RESOLVER, KEY, PRIMARY, ZONE, Lab

NAMESERVERS = {f"ns{number}.{ZONE}": f"127.1.0.{number + 1}" for number in (1, 2, 3)}
RESOLVER = "127.0.0.53"
SERVANTS = {*NAMESERVERS.values(), RESOLVER, CA_RESOLVER}  # whoever else is at one of these is the client
WHOM = ("root and TLDs", "zones' servers", "primary", "resolver")


class Relay(NameServer):
    """Gives what BIND says, and asks it from an address of its own."""

    _lag = 0.0
    _published = 0.0

    def follow(self, lag: float) -> None:
        """Show what is published from now on ``lag`` seconds after it was first asked for."""
        self._lag, self._published = lag, 0.0

    def answer(self, query: dns.message.Message, over: str) -> dns.message.Message:
        response = dns.query.tcp(query, PRIMARY, timeout=5, source=self.address)
        if self._lag and response.answer and query.question[0].rdtype == dns.rdatatype.TXT:
            self._published = self._published or time.monotonic()
            if time.monotonic() < self._published + self._lag:
                response.answer = []
        return response


class Counter:
    """How often each part of the DNS has been asked; ``relays`` are the zones' servers."""

    def __init__(self, lab: Lab, world: World, relays: list[Relay], bind: Bind, resolver: Unbound) -> None:
        self.lab = lab
        self.world = world
        self.relays = relays
        self._bind = bind
        self._resolver = resolver

    def asked(self) -> tuple[int, ...]:
        """The client's questions so far, by WHOM."""
        above = sum(_of_client(server) for server in self.world.servers.values())
        zones = sum(map(_of_client, self.relays))
        at_primary = re.findall(r"client @\S+ ([0-9.]+)#.*: query: ", self._bind.log)
        primary = sum(address not in SERVANTS for address in at_primary)
        return above, zones, primary, len(self._resolver.questions)


def _of_client(server: NameServer) -> int:
    return sum(question.client != RESOLVER for question in server.questions)


@contextmanager
def counting(zones: Sequence[str] = ()) -> Iterator[Counter]:
    """A root, TLDs, example.org and these zones, a resolver and a CA."""
    try:
        netns.enter()
    except PermissionError:
        sys.exit("the measurements need root: they run in a network namespace of their own (sudo make bench)")
    nameservers = "".join(f"@ NS {host}.\n" for host in NAMESERVERS)
    hosts = "".join(f"{host}. A {address}\n" for host, address in NAMESERVERS.items())
    texts = {ZONE: nameservers + hosts, **dict.fromkeys(zones, nameservers)}
    with (
        redirect_stderr(io.StringIO()),  # their logs
        TemporaryDirectory() as folder,
        World() as world,
        Bind(PRIMARY, texts, [KEY], extra_options="querylog yes;") as bind,
        Relay(NAMESERVERS[f"ns1.{ZONE}"]) as first,
        Relay(NAMESERVERS[f"ns2.{ZONE}"]) as second,
        Relay(NAMESERVERS[f"ns3.{ZONE}"]) as third,
        Relay(CA_RESOLVER) as asked_by_ca,
        Unbound(
            RESOLVER, root_hints=world.root_hints, extra_options=f"outgoing-interface: {RESOLVER}"
        ) as resolver,
        Pebble(f"{CA_RESOLVER}:53") as ca,
    ):
        for apex in texts:
            world.delegate(apex, NAMESERVERS)
        lab = Lab(Path(folder), resolver.address, bind, ca, asked_by_ca)
        yield Counter(lab, world, [first, second, third], bind, resolver)
