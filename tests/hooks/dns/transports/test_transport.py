"""The transport at its limits: those of this machine, and those of old servers."""

from __future__ import annotations

import os
import resource

import dns.message
import dns.rcode
import pytest
from testbed import TIME_LIMIT, NameServer, Zone
from testbed.sockets import Transport as SocketType

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.message import TXT, Query
from dns01.hooks.dns.transports.exchange import Exchange
from dns01.hooks.dns.transports.transport import Transport

SERVER = Address("127.1.0.1")
NAME = "_acme-challenge.example.org"


def test_a_process_that_may_open_no_more_files_gets_that_for_an_answer() -> None:
    datagram, stream = Query(SERVER, NAME, TXT), Query(SERVER, NAME, TXT, stream=True)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Transport() as transport:
        next_one = os.dup(0)
        os.close(next_one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, limits[1]))
        try:
            answers = transport.ask([datagram, stream], 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert {answer.problem for answer in answers.values()} == {"too many open files"}


# Servers without EDNS (RFC 6891 §7)


class WithoutEdns(NameServer):
    """A server from before RFC 6891: a query with OPT gets an error, one without its answer."""

    error = dns.rcode.FORMERR
    bare = False  # whether the error has a header and nothing else, as RFC 1035 leaves it open

    def answer(self, query: dns.message.Message, over: SocketType) -> dns.message.Message | None:
        if query.edns < 0:
            return super().answer(query, over)
        response = dns.message.make_response(query)
        response.use_edns(False)
        response.set_rcode(self.error)
        if self.bare:
            response.question = []
        return response


def old_server(ip: str, **traits: object) -> WithoutEdns:
    """A server at an address of its own: what is found out of one is remembered."""
    server = WithoutEdns(
        ip, zones=[Zone("example.org", '_acme-challenge TXT "new"', {"ns1.example.org": ip})]
    )
    for trait, value in traits.items():
        setattr(server, trait, value)
    return server


def values(transport: Transport, ip: str, **how: bool) -> list[frozenset[str]]:
    queries = [Query(Address(ip), NAME, TXT, **how)]
    return [response.texts for response in transport.ask(queries, TIME_LIMIT).values()]


@pytest.mark.parametrize(
    ("ip", "traits"),
    [
        ("127.1.43.1", {}),
        ("127.1.43.2", {"error": dns.rcode.NOTIMP}),
        ("127.1.43.3", {"bare": True}),
        ("127.1.43.4", {"drop_udp": True}),
        ("127.1.43.5", {"drop_tcp": True}),
    ],
)
def test_43_a_server_that_does_not_know_edns_is_asked_without_it(ip: str, traits: dict[str, object]) -> None:
    with old_server(ip, **traits), Transport() as transport:
        assert values(transport, ip) == [{"new"}]


def test_43_a_server_without_edns_is_remembered_and_gives_no_further_errors() -> None:
    with old_server("127.1.43.6") as server:
        for _ in range(3):
            with Transport() as transport:
                assert values(transport, server.address) == [{"new"}]

        assert len(server.questions) == 3 + 1 + 1


def test_43_over_tcp_a_server_without_edns_answers_as_well() -> None:
    with old_server("127.1.43.7") as server, Transport() as transport:
        assert values(transport, server.address, stream=True) == [{"new"}]


def test_43_a_truncated_answer_without_edns_is_had_over_tcp() -> None:
    with old_server("127.1.43.8", truncate=True) as server, Transport() as transport:
        assert values(transport, server.address) == [{"new"}]


def test_43_a_server_that_answers_formerr_to_everything_says_so() -> None:
    with NameServer("127.1.43.9") as server, Transport() as transport:
        server.rcode = "FORMERR"
        (response,) = transport.ask([Query(Address(server.address), NAME, TXT)], TIME_LIMIT).values()

        assert response.summary == "FORMERR"
        assert len(server.questions) == 3


class Stray(WithoutEdns):
    """A server that knows EDNS, and whose first answers are the error all the same."""

    errors = 1

    def answer(self, query: dns.message.Message, over: SocketType) -> dns.message.Message | None:
        if query.edns >= 0 and self.errors:
            self.errors -= 1
            return super().answer(query, over)
        return NameServer.answer(self, query, over)


def has_edns(transport: Transport, ip: str) -> bool:
    (response,) = transport.ask([Query(Address(ip), NAME, TXT, dnssec=True)], TIME_LIMIT).values()
    return response.message is not None and response.message.edns >= 0


@pytest.mark.parametrize(
    ("ip", "traits"),
    [
        ("127.1.43.10", {}),
        ("127.1.43.11", {"error": dns.rcode.NOTIMP}),
        ("127.1.43.12", {"bare": True}),
    ],
)
def test_43_one_stray_error_is_not_believed(ip: str, traits: dict[str, object]) -> None:
    server = Stray(ip, zones=[Zone("example.org", "", {"ns1.example.org": ip})])
    for trait, value in traits.items():
        setattr(server, trait, value)
    with server, Transport() as transport:
        assert has_edns(transport, ip)
        assert has_edns(transport, ip)


def test_43_what_is_remembered_is_forgotten_when_an_answer_has_edns() -> None:
    """Two machines behind one address, of which the old one has answered twice."""
    ip = "127.1.43.14"
    server = Stray(ip, zones=[Zone("example.org", "", {"ns1.example.org": ip})])
    server.errors = 2
    with server, Transport() as transport:
        under_way = Exchange(Query(Address(ip), NAME, TXT, dnssec=True))
        assert not has_edns(transport, ip)
        assert not has_edns(transport, ip)
        reply = NameServer.answer(server, under_way.message, "udp")
        assert reply is not None
        assert not under_way.ask_again(reply)
        assert has_edns(transport, ip)
