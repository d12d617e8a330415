"""From which address a server answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from testbed import NameServer, Zone

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.inspect.source_address import sources

ASKED, OTHER = "127.1.0.1", "127.1.0.2"
RESPONSE = 0x84  # QR and AA, as the third octet has them


@contextmanager
def answering(answers: Callable[[bytes], list[tuple[str, bytes]]]) -> Iterator[None]:
    """A server at ASKED that sends what ``answers`` makes of a query, each from the address that it says."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        asked.settimeout(30)
        asked.bind((ASKED, 53))
        other.bind((OTHER, 53))

        def serve() -> None:
            query, client = asked.recvfrom(512)
            for source, octets in answers(query):
                (asked if source == ASKED else other).sendto(octets, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def response(query: bytes) -> bytes:
    return query[:2] + bytes([RESPONSE]) + query[3:]


def test_a_server_that_answers_from_where_it_was_asked_is_not_listed() -> None:
    with NameServer(ASKED, zones=[Zone("example.org", "", {"ns1.example.org": ASKED})]):
        assert sources([Address(ASKED)], "example.org") == {}


def test_a_server_that_answers_from_another_address_is_listed_with_it() -> None:
    with answering(lambda query: [(OTHER, response(query))]):
        assert sources([Address(ASKED)], "example.org") == {Address(ASKED): OTHER}


def test_a_server_that_is_named_twice_is_asked_once() -> None:
    server = NameServer(ASKED, zones=[Zone("example.org", "", {"ns1.example.org": ASKED})])
    with server:
        sources([Address(ASKED), Address(ASKED)], "example.org")
    assert len(server.questions) == 1


def test_where_nobody_answers_nothing_is_known() -> None:
    with NameServer(ASKED) as server:
        server.silent = True
        assert sources([Address(ASKED), Address("127.1.0.9")], "example.org") == {}


def test_no_server_at_all_is_asked_nothing() -> None:
    assert sources([], "example.org") == {}


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda query: b"",
        lambda query: query[:2],
        lambda query: query,  # the query itself: QR is not set
        lambda query: bytes([query[0] ^ 1]) + response(query)[1:],  # another ID
    ],
    ids=["nothing", "an ID alone", "the query", "another's ID"],
)
def test_what_is_no_response_to_the_query_does_not_count(nonsense: Callable[[bytes], bytes]) -> None:
    with answering(lambda query: [(OTHER, nonsense(query)), (ASKED, response(query))]):
        assert sources([Address(ASKED)], "example.org") == {}
