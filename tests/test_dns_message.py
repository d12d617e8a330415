"""A signal that arrives while a DNS message is read, and names that others have chosen."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from types import FrameType, SimpleNamespace
from typing import Any

import dns.exception
import dns.message
import dns.name
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


# Names


@pytest.mark.parametrize(
    "label",
    ["a`touch x`", "a|reboot", "a&b", "a;b", "$(id)", "${ifs}", "a>b", "a<b", "it's", 'a"b', "{a,b}", "a b",
     "!!", "[ab]", "a?", "~root", "#a", "^a^b", "a\tb", "a\nb", "(a)", "a\\", "ä"],
)  # fmt: skip
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_name_that_somebody_else_has_chosen_is_one_word_to_a_shell(label: str, shell: str) -> None:
    """It may stand at the end of a CNAME, and in a command that is there to be pasted."""
    name = dns.name.Name([label.encode(), b"example", b"net", b""])
    written = dns_message.text(name)
    assert dns.name.from_text(written) == name
    seen = subprocess.run(
        [shell, "-c", f"printf '<%s>' dig TXT {written} +norec"], capture_output=True, check=True
    )
    words = seen.stdout.decode().strip("<>").split("><")
    assert (words[:2], words[3:], seen.stderr) == (["dig", "TXT"], ["+norec"], b"")
    assert words[2].endswith(".example.net")


def test_the_names_of_every_day_are_as_they_are() -> None:
    for name in (
        "_acme-challenge.www.example.org",
        "*.example.org",
        "0/25.2.0.192.in-addr.arpa",
        "xn--bcher-kva.example",
    ):
        assert dns_message.text(dns.name.from_text(name.upper())) == name
    assert dns_message.text(dns.name.root) == ""
