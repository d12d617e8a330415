"""How long servers take for an answer."""

from __future__ import annotations

import dns.message
import dns.rdatatype
import pytest
from testbed import NameServer, Zone
from testbed.sockets import Transport

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.inspect.response_time import SLOW, ResponseTime, response_times
from dns01.hooks.dns.timing import USUAL

SERVER = "127.1.0.1"
ZONE = Zone("example.org", "", {"ns1.example.org": SERVER})
LONG = 30.0  # seconds, so that a busy machine loses nothing


def times(server: NameServer, seconds: float = LONG) -> ResponseTime:
    with server:
        return response_times([Address(SERVER)], "example.org", USUAL, seconds)[Address(SERVER)]


def delayed(seconds: float) -> NameServer:
    server = NameServer(SERVER, zones=[ZONE])
    server.delay = seconds
    return server


def test_the_time_that_answers_take_is_measured_by_udp_and_by_tcp() -> None:
    took = times(delayed(1.0))

    assert took.udp is not None
    assert took.tcp is not None
    assert min(took.udp, took.tcp) >= 1.0
    assert took.slow


def test_a_first_datagram_that_is_lost_makes_no_server_slow() -> None:
    class Losing(NameServer):
        def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
            lost = over == "udp" and query.question[0].rdtype == dns.rdatatype.SOA
            return None if lost else super().answer(query, over)

    took = times(Losing(SERVER, zones=[ZONE]), 3.0)

    assert took.udp is not None
    assert not took.slow


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_a_way_that_is_closed_has_no_time(way: Transport) -> None:
    server = delayed(0)
    server.drop_udp, server.drop_tcp = way == "udp", way == "tcp"

    took = times(server, 1.5)

    assert (took.udp is None, took.tcp is None) == (way == "udp", way == "tcp")


def test_where_nobody_answers_there_is_no_time_and_nobody_is_slow() -> None:
    assert response_times([Address("127.1.0.9")], "example.org", USUAL, LONG) == {
        Address("127.1.0.9"): ResponseTime()
    }
    assert not ResponseTime().slow
    assert response_times([], "example.org", USUAL, LONG) == {}


def test_datagrams_count_for_they_are_what_resolvers_send() -> None:
    assert ResponseTime(udp=SLOW, tcp=0.1).slow
    assert not ResponseTime(udp=0.1, tcp=SLOW).slow
    assert ResponseTime(tcp=SLOW).slow


def test_of_two_times_the_better_one_counts_without_the_seconds_of_the_line() -> None:
    assert ResponseTime(udp=2.0).or_better(ResponseTime(udp=1.0, tcp=3.0)) == ResponseTime(1.0, 3.0)
    assert ResponseTime(udp=2.0).beyond(0.5) == ResponseTime(udp=1.5)
    assert ResponseTime().beyond(0.5) == ResponseTime()
