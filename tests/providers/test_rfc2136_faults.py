"""Dynamic updates over a path, or to a server, that fails: BIND behind a proxy that tampers."""

from __future__ import annotations

import re
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from calls import until
from contract import validation
from slow_server import saying, serving
from testbed import Bind, Key
from testbed.sockets import Sockets

from dns01.errors import ConfigError, ProviderError, Unreachable
from dns01.providers import load
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
def proxy(bind: Bind) -> Iterator[Proxy]:
    proxy = Proxy(bind)
    proxy.sockets.start()
    yield proxy
    proxy.sockets.stop()


def provider(server: str = "127.1.37.2", timeout: float = 0.2) -> Provider:
    """``timeout``: seconds for a connection and for each silence; of the whole exchange, ten times that."""
    options = {"nameserver": server, "tsig_key": KEY.name, "tsig_secret": KEY.secret}
    made: Any = load("rfc2136")({**options, "tsig_algorithm": KEY.algorithm})
    made.session.timeout, made.session.limit, made.session.sleep = timeout, 10 * timeout, [].append
    return made  # type: ignore[no-any-return]


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
        (dns.rcode.REFUSED, r"refuses to update \S+ in example\.com with the key hook \(REFUSED\)"),
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
    with pytest.raises(ProviderError, match=" the key hook"):
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


def test_a_server_that_hangs_up_is_unreachable(record: TxtRecord) -> None:
    with socket.create_server(("127.1.37.3", 53)) as listener:
        answering = threading.Thread(target=lambda: [listener.accept()[0].close() for _ in range(3)])
        answering.start()
        with pytest.raises(Unreachable, match=r"127\.1\.37\.3 "):
            provider("127.1.37.3").publish(EXAMPLE, [record])
        answering.join()


def test_a_host_without_an_address_is_unreachable(record: TxtRecord) -> None:
    with pytest.raises(Unreachable, match="- has no address") as refusal:
        provider("-").publish(EXAMPLE, [record])
    assert "RFC2136_NAMESERVER" in refusal.value.hint


def test_a_resolver_that_does_not_answer_is_no_fault_of_the_servers_name(record: TxtRecord) -> None:
    with pytest.raises(Unreachable) as refusal:  # there is no way to any resolver from here
        provider("ns.example.org").publish(EXAMPLE, [record])
    assert str(refusal.value).startswith(
        "this machine's resolver does not tell the address of ns.example.org (Temporary failure"
    )
    assert refusal.value.hint == (
        "see that what /etc/resolv.conf names answers, or give the address in RFC2136_NAMESERVER"
    )


class RefusingBind(Bind):
    """BIND that knows the key, and takes no update with it."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        conf = self.folder / "named.conf"
        conf.write_text(re.sub(r"allow-update {[^}]*}", "allow-update { none; }", conf.read_text()))
        return command


@pytest.mark.parametrize(
    ("address", "other"), [("127.1.0.9", ""), ("192.0.2.53", "192.0.2.53")], ids=["this host", "another"]
)
def test_a_server_at_loopback_is_the_primary_where_that_has_an_address_of_this_host(
    address: str, other: str
) -> None:
    name = "_acme-challenge.example.com"
    zone = f"@ SOA ns1 h 1 3600 600 86400 60\n@ NS ns1\nns1 A {address}"
    with RefusingBind("127.0.0.1", {"example.com": zone}, [KEY]), pytest.raises(ProviderError) as refusal:
        provider("127.0.0.1", 5).publish(EXAMPLE, [TxtRecord(name, validation("a"), 60)])
    assert other in refusal.value.hint
    assert ("is not the primary" in str(refusal.value)) == bool(other)
    assert "update-policy" in refusal.value.hint


DRIPS = {
    "the length": b"\x10",
    "a long message": b"\xff\xff",
    "a message": b"\x00\x40" + bytes(11),
}


@pytest.mark.parametrize("begin", DRIPS)
def test_a_server_that_sends_one_octet_after_the_other_is_given_up(record: TxtRecord, begin: str) -> None:
    drip = saying(DRIPS[begin][:-1], DRIPS[begin][-1:], 0.02)
    with (
        serving(drip, socket.create_server(("127.1.37.4", 53))),
        pytest.raises((Unreachable, ProviderError), match=r"127\.1\.37\.4"),
    ):
        provider("127.1.37.4", timeout=0.1).publish(EXAMPLE, [record])


SECRET = KEY.secret
OPTIONS = {
    "nameserver": "127.1.37.2",
    "tsig_key": "hook",
    "tsig_secret": SECRET,
    "tsig_algorithm": "hmac-sha256",
}
MISPLACED = {
    "name and secret swapped": {"tsig_key": SECRET, "tsig_secret": "hook"},
    "the secret as algorithm": {"tsig_algorithm": SECRET},
    "the secret as name, and a name that is none as secret": {"tsig_key": SECRET, "tsig_secret": "a..b"},
    "the secret as name server": {"nameserver": SECRET},
    "the secret as path": {"tsig_file": SECRET, "tsig_key": "", "tsig_secret": ""},
    "name and algorithm swapped": {"tsig_key": "hmac-sha256", "tsig_algorithm": SECRET},
    "another secret, in hexadecimal, as algorithm": {"tsig_algorithm": "0123456789abcdef" * 4},
}


@pytest.mark.parametrize("given", MISPLACED)
def test_a_secret_in_the_wrong_place_is_not_shown(given: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load("rfc2136")({**OPTIONS, **MISPLACED[given]})
    shown = "".join(traceback.format_exception(refusal.value)) + refusal.value.hint
    assert SECRET not in shown
    assert "0123456789abcdef" not in shown
    assert refusal.value.hint


@pytest.mark.parametrize(
    "text",
    [
        f'KEY "hook" {{ ALGORITHM hmac-sha256; Secret "{SECRET}"; }};',
        f"Key hook {{ Algorithm HMAC-SHA256; SECRET {SECRET}; }};",
        f'kEY "HOOK." {{ SECRET "{SECRET}"; ALGORITHM "Hmac-Sha256."; }};',
        f'key "KEY" {{ algorithm hmac-sha256; secret "{SECRET}"; }};',
        f'KEY "secret" {{\r\n\tALGORITHM hmac-sha256;\r\n\tSECRET "{SECRET}";\r\n}};\r\n',
        f'KEY /* a */ "hook"{{ALGORITHM hmac-sha256;SECRET "{SECRET}";}};',
    ],
)
def test_the_words_of_a_key_file_may_be_in_upper_case(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(text)
    load("rfc2136")({"nameserver": "127.1.37.2", "tsig_file": str(path)})


class SigningBind(Bind):
    """BIND that signs its zone with keys of its own making."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        conf = self.folder / "named.conf"
        signing = 'key-directory "keys"; dnssec-policy default; inline-signing no; allow-update {'
        conf.write_text(conf.read_text().replace("allow-update {", signing))
        (self.folder / "keys").mkdir()
        return command

    def is_signed(self) -> bool:
        return len(list((self.folder / "keys").iterdir())) > 2 and bool(
            self.ask("example.com", "DNSKEY").answer
        )


def test_a_zone_whose_signing_keys_are_gone_has_that_among_the_reasons() -> None:
    with SigningBind("127.1.37.9", {"example.com": ""}, [KEY]) as bind:
        until(bind.is_signed)
        for key in (bind.folder / "keys").iterdir():
            key.unlink()
        options = {"nameserver": bind.address, "tsig_key": KEY.name, "tsig_secret": KEY.secret}
        with pytest.raises(ProviderError, match="SERVFAIL") as raised:
            load("rfc2136")({**options, "tsig_algorithm": KEY.algorithm}).publish(
                EXAMPLE, [TxtRecord("_acme-challenge.example.com", validation("a"))]
            )

    assert "no private keys to sign the zone with" in raised.value.hint
