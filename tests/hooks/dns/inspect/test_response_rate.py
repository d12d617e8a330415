"""Whether a server limits the rate of its answers is told from slowness and from loss."""

from __future__ import annotations

import random

import dns.message
import dns.rcode
import pytest
from testbed import NameServer, Zone
from testbed.nameserver import RateLimit
from testbed.sockets import Transport

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.inspect.response_rate import BURST, Limit, limiting

SERVER = "127.1.0.1"
ZONE = Zone("example.org", "", {"ns1.example.org": SERVER})


class Lossy(NameServer):
    """A server of whose datagrams one in ten is lost."""

    chance = random.Random(10)

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        return None if self.chance.random() < 0.1 else super().answer(query, over)


def limits(server: NameServer) -> dict[Address, Limit]:
    with server:
        return limiting([Address(SERVER)], "example.org")


def limited(per_second: int, slip: int) -> NameServer:
    server = NameServer(SERVER, zones=[ZONE], clock=lambda: 0.0)  # one second is as long as it takes
    server.rate_limit = RateLimit(per_second, slip)
    return server


@pytest.mark.parametrize("limit", ["drops", "truncates"])
def test_a_server_that_answers_the_first_ones_alone_is_limited(limit: Limit) -> None:
    assert limits(limited(5, 0 if limit == "drops" else 2)) == {Address(SERVER): limit}


def test_a_second_that_ends_amid_the_questions_hides_no_limit() -> None:
    """It answers five more then; and none of the questions that come afterwards."""
    server = NameServer(SERVER, zones=[ZONE], clock=lambda: float(len(server.questions) > 8))
    server.rate_limit = RateLimit(5, 0)

    assert limits(server) == {Address(SERVER): "drops"}


def test_of_a_server_that_answers_none_it_is_not_known_whether_it_drops_them() -> None:
    assert limits(limited(0, 0)) == {Address(SERVER): "silent"}


def test_a_server_that_answers_all_is_asked_once_and_not_limited() -> None:
    server = limited(50, 0)

    assert limits(server) == {}
    assert len(server.questions) == BURST


def test_a_server_that_takes_a_second_for_an_answer_is_not_limited() -> None:
    server = NameServer(SERVER, zones=[ZONE])
    server.delay = 1.0

    assert limits(server) == {}


def test_a_server_on_a_line_that_loses_a_tenth_is_not_limited() -> None:
    with Lossy(SERVER, zones=[ZONE]):
        assert [limiting([Address(SERVER)], "example.org") for _ in range(5)] == [{}] * 5


def test_a_server_that_answers_one_after_the_other_and_is_not_done_is_not_limited() -> None:
    """Each answer is a while after the one before: those that are not there yet are still to come."""

    class Busy(NameServer):
        def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
            self.delay += 0.3
            return super().answer(query, over)

    assert limits(Busy(SERVER, zones=[ZONE])) == {}


class Refusing(NameServer):
    """A server that refuses what comes after the first questions; its ids count them."""

    first = 5

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        if response and query.id >= self.first:
            response.set_rcode(dns.rcode.REFUSED)
        return response


def test_a_server_that_refuses_all_but_the_first_ones_is_limited() -> None:
    assert limits(Refusing(SERVER, zones=[ZONE])) == {Address(SERVER): "refuses"}


def test_of_a_server_that_refuses_everything_it_is_not_known() -> None:
    server = Refusing(SERVER, zones=[ZONE])
    server.first = 0

    assert limits(server) == {}


class Losing(NameServer):
    """A server that leaves every question unanswered whose id is among the ``lost``."""

    lost: frozenset[int] = frozenset()

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        return None if over == "udp" and query.id in self.lost else super().answer(query, over)


@pytest.mark.parametrize(
    ("lost", "found"),
    [
        ({1, 3, 5, 7, 9, 11, 13}, "loses"),
        ({0, 2, 4, 6, 8, 9, 10, 12, 14}, "loses"),
        ({1, 2, 4, 6, 7, 8, 10, 11, 13}, "loses"),
        ({1, 4, 7, 10, 13}, None),  # a third
        ({2, 7, 11}, None),  # a fifth: a line that is full for a moment
        ({5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, "drops"),
    ],
)
def test_a_server_on_a_line_that_loses_much_is_told_from_one_that_is_limited(
    lost: set[int], found: Limit | None
) -> None:
    server = Losing(SERVER, zones=[ZONE])
    server.lost = frozenset(lost)

    assert limits(server) == ({Address(SERVER): found} if found else {})
