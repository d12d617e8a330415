"""Dynamic updates over a path, or to a server, that fails: BIND behind a proxy that tampers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.rcode
import pytest
from contract import validation
from testbed import Bind, Key
from testbed.sockets import Sockets

from dns01.errors import ProviderError, Unreachable
from dns01.providers import _rfc2136_tcp, load
from dns01.providers.base import Provider, TxtRecord, Zone

KEY = Key("hook", "hmac-sha256", "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw==")
EXAMPLE = Zone("example.com")
Tamper = Callable[[bytes], bytes | None]


@pytest.fixture(scope="module")
def bind() -> Iterator[Bind]:
    with Bind("127.1.37.1", {"example.com": ""}, [KEY]) as bind:
        yield bind


class Proxy:
    """Hands every message on to BIND, and what ``tamper`` makes of each answer back."""

    def __init__(self, bind: Bind) -> None:
        self.tamper: Tamper = lambda answer: answer
        self.asked = 0
        self._bind = (bind.address, bind.port)
        self.sockets = Sockets("127.1.37.2", 53, self._answer)

    def _answer(self, message: bytes, transport: str, client: str) -> bytes | None:
        self.asked += 1
        with socket.create_connection(self._bind, 5) as upstream, upstream.makefile("rb") as stream:
            upstream.sendall(struct.pack("!H", len(message)) + message)
            return self.tamper(stream.read(*struct.unpack("!H", stream.read(2))))


@pytest.fixture
def proxy(bind: Bind, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(_rfc2136_tcp, "TIMEOUT", 0.2)
    monkeypatch.setattr(_rfc2136_tcp, "RETRY_INTERVAL", 0)
    proxy = Proxy(bind)
    proxy.sockets.start()
    yield proxy
    proxy.sockets.stop()


def provider(server: str = "127.1.37.2") -> Provider:
    options = {"nameserver": server, "tsig_key": KEY.name, "tsig_secret": KEY.secret}
    return load("rfc2136")({**options, "tsig_algorithm": KEY.algorithm})


@pytest.fixture
def record(request: pytest.FixtureRequest) -> TxtRecord:
    """At a name that no other test uses."""
    value = validation(request.node.nodeid)
    return TxtRecord(f"_acme-challenge.{value[:8].strip('-_').lower()}.example.com", value)


def failing(rcode: dns.rcode.Rcode) -> Tamper:
    """Just a header, unsigned, with an error: what a server says before it has looked any further."""

    def tamper(answer: bytes) -> bytes:
        id, flags = struct.unpack_from("!HH", answer)
        return struct.pack("!6H", id, flags & 0xFFF0 | rcode, 0, 0, 0, 0)

    return tamper


def without_signature(answer: bytes) -> bytes:
    message = dns.message.from_wire(answer, keyring=False)
    message.tsig = None
    return message.to_wire()


def with_another_bit(answer: bytes) -> bytes:
    id, flags = struct.unpack_from("!HH", answer)
    return struct.pack("!HH", id, flags ^ dns.flags.RA) + answer[4:]


def with_another_id(answer: bytes) -> bytes:
    return bytes([answer[0] ^ 1]) + answer[1:]


class Once:
    """Tampers with the first answer only."""

    def __init__(self, tamper: Tamper) -> None:
        self.tampers = [tamper]

    def __call__(self, answer: bytes) -> bytes | None:
        return self.tampers.pop()(answer) if self.tampers else answer


@pytest.mark.parametrize(
    ("rcode", "words"),
    [
        (dns.rcode.SERVFAIL, r"fails to update example\.com \(SERVFAIL\)"),
        (dns.rcode.FORMERR, r"does not understand dynamic updates \(FORMERR\)"),
        (dns.rcode.NOTIMP, r"does not understand dynamic updates \(NOTIMP\)"),
        (dns.rcode.REFUSED, r"refuses to update example\.com with the key hook \(REFUSED\)"),
        (dns.rcode.NOTAUTH, r"not authoritative for the zone example\.com \(NOTAUTH\)"),
    ],
)
def test_each_refusal_has_words_and_a_hint_of_its_own(
    proxy: Proxy, record: TxtRecord, rcode: dns.rcode.Rcode, words: str
) -> None:
    proxy.tamper = failing(rcode)
    for verb in (provider().publish, provider().retract):
        with pytest.raises(ProviderError, match=words) as refusal:
            verb(EXAMPLE, [record])
        assert refusal.value.hint


@pytest.mark.parametrize("tamper", [without_signature, with_another_bit])
def test_an_answer_without_a_valid_signature_is_not_believed(
    proxy: Proxy, record: TxtRecord, tamper: Tamper
) -> None:
    proxy.tamper = tamper
    with pytest.raises(ProviderError, match="without a valid signature of the key hook"):
        provider().zone_for(record.name)
    with pytest.raises(ProviderError, match="without a valid signature of the key hook"):
        provider().publish(EXAMPLE, [record])


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (with_another_id, "what was not asked"),
        (lambda answer: b"HTTP/1.1 400 Bad Request", "something else than DNS"),
        (lambda answer: answer[:11], "something else than DNS"),
    ],
    ids=["another id", "HTTP", "half a header"],
)
def test_what_is_no_answer_is_an_error_with_the_server_s_name(
    proxy: Proxy, record: TxtRecord, tamper: Tamper, words: str
) -> None:
    proxy.tamper = tamper
    with pytest.raises(ProviderError, match=rf"127\.1\.37\.2 answers.*{words}"):
        provider().publish(EXAMPLE, [record])


def test_a_server_that_stays_silent_is_unreachable_after_three_tries(proxy: Proxy, record: TxtRecord) -> None:
    proxy.tamper = lambda answer: None
    with pytest.raises(Unreachable, match=r"127\.1\.37\.2 does not answer.*timed out"):
        provider().publish(EXAMPLE, [record])
    assert proxy.asked == 3


def test_an_update_whose_answer_is_lost_is_sent_again(proxy: Proxy, bind: Bind, record: TxtRecord) -> None:
    proxy.tamper = Once(lambda answer: None)
    provider().publish(EXAMPLE, [record])
    assert bind.txt(record.name) == {record.value}
    proxy.tamper = Once(lambda answer: None)
    provider().retract(EXAMPLE, [record])
    assert bind.txt(record.name) == set()


def test_a_server_that_hangs_up_is_unreachable(monkeypatch: pytest.MonkeyPatch, record: TxtRecord) -> None:
    monkeypatch.setattr(_rfc2136_tcp, "RETRY_INTERVAL", 0)
    with socket.create_server(("127.1.37.3", 53)) as listener:
        answering = threading.Thread(target=lambda: [listener.accept()[0].close() for _ in range(3)])
        answering.start()
        with pytest.raises(Unreachable, match=r"127\.1\.37\.3 does not answer"):
            provider("127.1.37.3").publish(EXAMPLE, [record])
        answering.join()


def test_a_host_without_an_address_is_unreachable(monkeypatch: pytest.MonkeyPatch, record: TxtRecord) -> None:
    monkeypatch.setattr(_rfc2136_tcp, "RETRY_INTERVAL", 0)
    with pytest.raises(Unreachable, match=r"ns\.invalid has no address"):
        provider("ns.invalid").publish(EXAMPLE, [record])
