"""Whether a resolver sees the zone that its name servers have."""

from __future__ import annotations

from collections.abc import Iterator

import dns.message
import pytest
from testbed import NameServer, Zone
from testbed.sockets import Transport

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.inspect.split_horizon import differences
from dns01.hooks.dns.timing import USUAL, Timing

NS1, RESOLVER = "127.1.0.1", "127.1.0.8"
SERVERS = [Server("ns1.example.org", (Address(NS1),))]
HOSTS = {"ns1.example.org": NS1}
SHORT = Timing(view=0.5)


@pytest.fixture(autouse=True)
def world() -> Iterator[NameServer]:
    """What the world sees."""
    with NameServer(NS1, zones=[Zone("example.org", "@ A 1.2.3.4", HOSTS)]) as server:
        yield server


def seen(resolver: NameServer, timing: Timing = USUAL) -> str:
    """How the resolver's view differs. It is asked as one is, whatever it has."""
    with resolver:
        return differences([Address(RESOLVER)], "example.org", SERVERS, timing)[Address(RESOLVER)]


def resolver_with(*zones: Zone) -> NameServer:
    return NameServer(RESOLVER, zones=zones)


def test_a_resolver_that_sees_the_same_does_not_differ() -> None:
    assert seen(resolver_with(Zone("example.org", "@ A 1.2.3.4", HOSTS))) == ""


def test_a_resolver_that_is_sent_to_a_near_address_does_not_differ() -> None:
    assert seen(resolver_with(Zone("example.org", "@ A 1.2.3.5", HOSTS))) == ""


def test_other_name_servers_are_another_view() -> None:
    inner = Zone("example.org", "@ A 1.2.3.4", {"dc1.corp.example.org": "10.0.0.1"})
    assert "dc1.corp.example.org" in seen(resolver_with(inner))
    assert "ns1.example.org" in seen(resolver_with(inner))


def test_an_address_of_the_inner_network_alone_is_another_view() -> None:
    assert "10.0.0.5" in seen(resolver_with(Zone("example.org", "@ A 10.0.0.5", HOSTS)))


def test_a_zone_that_the_resolver_does_not_know_is_another_view() -> None:
    root = Zone(".", "", {"ns.example.net": RESOLVER})
    assert "knows of no zone example.org" in seen(resolver_with(root))


def test_of_a_resolver_that_is_silent_nothing_is_said() -> None:
    resolver = resolver_with()
    resolver.silent = True
    assert seen(resolver, SHORT) == ""


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_of_a_resolver_that_refuses_nothing_is_said(rcode: str) -> None:
    resolver = resolver_with()
    resolver.rcode = rcode
    assert seen(resolver) == ""


def test_where_the_zone_s_own_servers_are_silent_nothing_is_said(world: NameServer) -> None:
    world.silent = True
    inner = Zone("example.org", "", {"dc1.corp.example.org": "10.0.0.1"})
    assert seen(resolver_with(inner), SHORT) == ""


def test_a_resolver_in_the_place_of_the_zone_s_server_is_not_the_world(world: NameServer) -> None:
    world.intercepted = True
    inner = Zone("example.org", "", {"dc1.corp.example.org": "10.0.0.1"})
    assert seen(resolver_with(inner)) == ""


class Garbled(NameServer):
    """It answers with another question than it was asked."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        if response:
            response.question = dns.message.make_query("other.example", "SOA").question
        return response


def test_nonsense_from_a_resolver_is_as_good_as_silence() -> None:
    inner = Zone("example.org", "", {"dc1.corp.example.org": "10.0.0.1"})
    assert seen(Garbled(RESOLVER, zones=[inner]), SHORT) == ""


def test_a_resolver_is_asked_only_for_what_is_there() -> None:
    """Its "no" would be kept, and deny the names beside it."""
    resolver = resolver_with(Zone("example.org", "@ A 1.2.3.4", HOSTS))
    seen(resolver)
    assert {question.type for question in resolver.questions} == {"NS", "SOA", "A"}


def test_no_resolver_and_no_server_are_nothing_to_compare() -> None:
    assert differences([], "example.org", SERVERS) == {}
    assert differences([Address(RESOLVER)], "example.org", []) == {Address(RESOLVER): ""}
