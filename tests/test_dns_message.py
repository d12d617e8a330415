"""A signal that arrives while a DNS message is read."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from types import FrameType, SimpleNamespace
from typing import Any

import dns.exception
import dns.message
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest

from dns01 import dns_message

PRIVATE_USE = dns.rdatatype.RdataType.make(65400)


class Stopped(BaseException):
    """What the handler raises, as the hook's own does."""


class Interrupting(dns.rdata.GenericRdata):
    """RDATA in whose midst a signal arrives."""

    @classmethod
    def from_wire_parser(cls, *_: Any, **__: Any) -> Interrupting:
        os.kill(os.getpid(), signal.SIGUSR1)
        raise AssertionError("the handler has raised before")


@pytest.fixture
def handler() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    before = signal.signal(signal.SIGUSR1, stop)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_that_arrives_amidst_rdata_is_no_bad_answer(handler: None) -> None:
    message = dns.message.make_response(dns.message.make_query("example.org", PRIVATE_USE))
    message.answer.append(dns.rrset.from_text("example.org.", 60, "IN", "TYPE65400", r"\# 1 00"))
    wire = message.to_wire()
    dns.rdata.register_type(SimpleNamespace(INTERRUPTING=Interrupting), PRIVATE_USE, "INTERRUPTING")

    with pytest.raises(Stopped):
        dns_message.parse(wire)


@pytest.mark.parametrize("octets", [b"", b"\0" * 11, b"\0\0\x80\0\0\1" + bytes(6) + b"\xff"])
def test_a_bad_answer_is_one(octets: bytes) -> None:
    with pytest.raises(dns.exception.DNSException):
        dns_message.parse(octets)
