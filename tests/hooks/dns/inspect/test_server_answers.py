"""A look at the servers of a zone: by which way each of them answers."""

from __future__ import annotations

import dns.message
import pytest
from testbed import NameServer, Zone
from testbed.sockets import Transport

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.inspect.server_answers import NAMES, query_servers

ADDRESS = "127.1.0.1"
SERVERS = [Server("ns1.example.org", (Address(ADDRESS),))]


class Firewalled(NameServer):
    """Of the datagrams, those that have EDNS are dropped."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        return None if over == "udp" and query.edns >= 0 else super().answer(query, over)


class Deaf(NameServer):
    """It is heard over TCP alone."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        return None if over == "udp" else super().answer(query, over)


# With four names the questions that are asked again would not all fit into datagrams.
@pytest.mark.parametrize("number", [0, 1, NAMES, NAMES + 3])
def test_a_server_that_is_deaf_to_datagrams_is_told_from_one_that_is_not(number: int) -> None:
    names = [f"_acme-challenge.{each}.example.org" for each in range(number)]
    zone = Zone("example.org", "@ TXT here", {"ns1.example.org": ADDRESS})
    found = []
    for kind in (NameServer, Firewalled, Deaf):
        with kind(ADDRESS, zones=[zone]):
            (server,) = query_servers(SERVERS, "example.org", names)
        assert server.authority
        found.append((server.udp, server.edns, server.tcp_only))
    assert found == [(True, True, False), (True, False, True), (False, True, True)]


class FoundMeanwhile(set[Address]):
    """What is known to answer over TCP alone; another thread finds out as soon as it has been asked."""

    def __contains__(self, address: object) -> bool:
        found = super().__contains__(address)
        self.add(Address(ADDRESS))
        return found


@pytest.mark.parametrize(("kind", "edns"), [(Firewalled, False), (Deaf, True)])
def test_what_another_thread_finds_out_meanwhile_changes_nothing(kind: type[NameServer], edns: bool) -> None:
    zone = Zone("example.org", "@ TXT here", {"ns1.example.org": ADDRESS})
    with kind(ADDRESS, zones=[zone]):
        (server,) = query_servers(SERVERS, "example.org", tcp_only=FoundMeanwhile())
    assert (server.udp, server.edns, server.hosts) == (kind is Firewalled, edns, ("ns1.example.org",))
