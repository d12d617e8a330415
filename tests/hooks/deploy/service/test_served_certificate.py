"""Which certificate a service shows: with TLS at once, and after each protocol's own way to it."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from bundles import issued
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from testbed import TIME_LIMIT
from tls_server import Talk, at_once, served
from trustme import KeyType

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.service.served_certificate import live, service, verify
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.verify import Target

STARTTLS = ("smtp", "imap", "pop3", "ldap", "postgres")


@pytest.fixture
def old(tmp_path: Path) -> CertificateFiles:
    return issued(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> CertificateFiles:
    return issued(tmp_path / "new")


def fingerprint(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).fingerprint(SHA256()).hex()


# Servers that take nothing but what their protocol says


def line(connection: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\r\n"):
        found += connection.recv(1) or b"(closed)\r\n"
    return found


def smtp(connection: socket.socket) -> bool:
    connection.sendall(b"220-mail.example.org\r\n220 ESMTP\r\n")
    assert line(connection).startswith(b"EHLO [127.0.0.1]\r\n")
    connection.sendall(b"250-mail.example.org\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n")
    assert line(connection) == b"STARTTLS\r\n"
    connection.sendall(b"220 go ahead\r\n")
    return True


def imap(connection: socket.socket) -> bool:
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
    assert line(connection) == b"a STARTTLS\r\n"
    connection.sendall(b"* OK still there\r\na OK begin\r\n")
    return True


def pop3(connection: socket.socket) -> bool:
    connection.sendall(b"+OK ready\r\n")
    assert line(connection) == b"STLS\r\n"
    connection.sendall(b"+OK begin\r\n")
    return True


def ldap(connection: socket.socket) -> bool:
    request = connection.recv(31, socket.MSG_WAITALL)
    assert request == bytes.fromhex("301d020101771880 16312e332e362e312e342e312e313436362e3230303337")
    # the lengths in the long form, as Active Directory has them
    connection.sendall(bytes.fromhex("3084000000 10 020101 7884000000 07 0a0100 0400 0400"))
    return True


def postgres(connection: socket.socket) -> bool:
    assert connection.recv(8, socket.MSG_WAITALL) == struct.pack("!II", 8, 80877103)
    connection.sendall(b"S")
    return True


DIALECTS: dict[str, Talk] = {"smtp": smtp, "imap": imap, "pop3": pop3, "ldap": ldap, "postgres": postgres}


def says(*answers: bytes) -> Talk:
    """A server that gives these answers, whatever it is asked, and then closes."""

    def talk(connection: socket.socket) -> bool:
        for answer in answers:
            connection.sendall(answer)
        connection.settimeout(TIME_LIMIT)
        with suppress(OSError):
            while connection.recv(100):
                pass
        return False

    return talk


class Time:
    """A clock that stands still but for what is slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[Callable[[], object]] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.waits:
            self.waits.pop(0)()


def failure(where: str, fingerprint: str, within: float = 0) -> str:
    """What is said; with a hint."""
    time = Time()
    with pytest.raises(DeployError) as caught:
        verify(where, fingerprint, within, time.clock, time.sleep)
    assert caught.value.hint
    return str(caught.value)


# Looking


@pytest.mark.parametrize("name", STARTTLS)
def test_each_protocol_comes_to_tls_in_its_own_way(new: CertificateFiles, name: str) -> None:
    with served(DIALECTS[name], new) as server:
        der = live(f"{name}://localhost:{server.port}", 5)
    assert fingerprint(der) == new.facts.fingerprint


@pytest.mark.parametrize("name", STARTTLS)
def test_the_servers_of_these_tests_speak_the_protocols_as_openssl_does(
    new: CertificateFiles, name: str
) -> None:
    """But for EHLO and the tag, which are anybody's choice."""
    with served(tolerant(DIALECTS[name]), new) as server:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-starttls", name]
        shown = subprocess.run(command, input=b"", capture_output=True, timeout=TIME_LIMIT)
    leaf = x509.load_pem_x509_certificate(shown.stdout[shown.stdout.index(b"-----BEGIN") :])
    assert leaf.fingerprint(SHA256()).hex() == new.facts.fingerprint


def tolerant(talk: Talk) -> Talk:
    """The same server for a client with other words of its own."""

    class Translated:
        def __init__(self, connection: socket.socket) -> None:
            self._connection = connection
            self._tag = b""

        def recv(self, size: int, flags: int = 0) -> bytes:
            if size > 1:
                return self._translated(self._connection.recv(size, flags))
            self._line = getattr(self, "_line", b"") or self._translated(line(self._connection))
            first, self._line = self._line[:1], self._line[1:]
            return first

        def sendall(self, data: bytes) -> None:
            self._connection.sendall(data.replace(b"\r\na OK", b"\r\n" + self._tag + b" OK"))

        def _translated(self, said: bytes) -> bytes:
            tag, _, command = said.partition(b" ")
            if command == b"CAPABILITY\r\n":
                self.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK\r\n")
                return self._translated(line(self._connection))
            if command == b"STARTTLS\r\n":
                self._tag = tag
                return b"a " + command
            return b"EHLO [127.0.0.1]\r\n" if tag == b"EHLO" else said

    def talk_to(connection: socket.socket) -> bool:
        return talk(Translated(connection))  # type: ignore[arg-type]

    return talk_to


def test_where_tls_comes_first_the_server_is_told_the_name(new: CertificateFiles) -> None:
    with served(at_once, new) as server:
        der = live(f"localhost:{server.port}", 5)
    assert fingerprint(der) == new.facts.fingerprint
    assert server.names == ["localhost"]


def test_an_address_is_no_name_to_tell(new: CertificateFiles) -> None:
    with served(at_once, new) as server:
        live(f"127.0.0.1:{server.port}", 5)
    assert server.names == [None]


@pytest.mark.parametrize(
    ("where", "host", "port"),
    [
        ("www.example.org:443", "www.example.org", 443),
        ("smtp://mail.example.org", "mail.example.org", 25),
        ("smtp://mail.example.org:587/", "mail.example.org", 587),
        ("imap://mail.example.org", "mail.example.org", 143),
        ("pop3://mail.example.org", "mail.example.org", 110),
        ("ldap://[2001:db8::1]", "2001:db8::1", 389),
        ("postgres://db.example.org", "db.example.org", 5432),
        ("[2001:db8::1]:8443", "2001:db8::1", 8443),
    ],
)
def test_a_service_is_a_host_with_a_port_or_a_protocol(where: str, host: str, port: int) -> None:
    found = service(where)
    assert (found.host, found.port, found.dialect is None) == (host, port, "//" not in where)


@pytest.mark.parametrize(
    "where",
    ["www.example.org", "www.example.org:0", "ftp://example.org", "2001:db8::1", "a:70000", "", "a b:443"],
)
def test_what_is_no_service_is_refused_with_examples(where: str) -> None:
    with pytest.raises(ConfigError, match="no service that can be looked at") as caught:
        Target({"server": where, "time_limit": "60"})
    assert "www.example.org:443, or smtp://HOST:PORT" in caught.value.hint


# Waiting


def test_the_first_look_is_enough_where_the_new_certificate_is_shown(new: CertificateFiles) -> None:
    time = Time()
    with served(at_once, new) as server:
        verify(f"localhost:{server.port}", new.facts.fingerprint, 30, time.clock, time.sleep)
    assert time.now == 0


def test_a_service_is_given_time_to_reload(
    old: CertificateFiles, new: CertificateFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    time = Time()
    with served(at_once, old) as server:
        time.waits = [lambda: None, lambda: server.load(new)]
        verify(f"localhost:{server.port}", new.facts.fingerprint, 30, time.clock, time.sleep)
    assert 0 < time.now < 30
    said = f" + waiting for localhost:{server.port} to show the new certificate, 30 s at most\n"
    assert capsys.readouterr().err == said  # once


def test_a_service_that_is_down_is_given_time_as_well(new: CertificateFiles) -> None:
    time = Time()
    with socket.create_server(("127.0.0.1", 0)) as held:
        where = f"localhost:{held.getsockname()[1]}"
    with pytest.raises(DeployError, match="Connection refused") as caught:
        verify(where, new.facts.fingerprint, 3, time.clock, time.sleep)
    assert "see that the service runs" in caught.value.hint
    assert 2 < time.now <= 3


def test_the_certificate_that_is_shown_instead_is_told(old: CertificateFiles, new: CertificateFiles) -> None:
    with served(at_once, old) as server:
        said = failure(f"localhost:{server.port}", new.facts.fingerprint, 5)
    assert said == (
        f"localhost:{server.port} shows the certificate {old.facts.fingerprint[:16]}… "
        f"(example.org, www.example.org; until {old.facts.not_after:%Y-%m-%d %H:%M} UTC), "
        f"and not {new.facts.fingerprint[:16]}…"
    )


def test_of_a_service_with_two_types_of_key_either_certificate_will_do(tmp_path: Path) -> None:
    first, second = issued(tmp_path / "ec"), issued(tmp_path / "rsa", key=KeyType.RSA)
    with served(at_once, first, second) as server:
        where = f"localhost:{server.port}"
        for bundle in (first, second):
            verify(where, bundle.facts.fingerprint, 0)
        assert first.facts.fingerprint[:16] in failure(where, "0" * 64)


# What a service may say instead


@pytest.mark.parametrize(
    ("name", "answers", "said"),
    [
        ("smtp", [b"554 go away\r\n"], "does not begin TLS: 554 go away"),
        ("smtp", [b"220 x\r\n", b"250-x\r\n250 SIZE\r\n"], "does not offer STARTTLS"),
        ("smtp", [b"220 x\r\n", b"250 STARTTLS\r\n"], "does not offer STARTTLS"),  # which is its name
        ("smtp", [b"220 x\r\n250-x\r\n250 STARTTLS\r\n454 later\r\n"], "454 later"),
        ("imap", [b"* BYE\r\n"], r"\* BYE"),
        ("imap", [b"* OK\r\n", b"a BAD no\r\n"], "a BAD no"),
        ("pop3", [b"+OK\r\n", b"-ERR no\r\n"], "-ERR no"),
        ("ldap", [bytes.fromhex("300c020101 78070a0102 0400 0400")], "LDAP result 2"),
        ("ldap", [bytes.fromhex("3003020101")], "its answer is not LDAP's"),
        ("ldap", [b"HTTP/1.1 400 Bad Request\r\n" + 100 * b"x"], "its answer is not LDAP's"),
        ("ldap", [bytes.fromhex("3084ffffffff")], "its answer has no end"),
        ("postgres", [b"N"], "ssl is off there"),
        ("postgres", [b"E"], "its answer is not PostgreSQL's"),
        ("imap", [b"x" * 9000], "its line has no end"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(
    new: CertificateFiles, name: str, answers: list[bytes], said: str
) -> None:
    with served(says(*answers), new) as server, pytest.raises(DeployError, match=said) as caught:
        live(f"{name}://localhost:{server.port}", 5)
    assert caught.value.hint


def test_a_service_that_closes_the_connection_is_told(new: CertificateFiles) -> None:
    with served(lambda _: False, new) as server:
        for name in STARTTLS:
            with pytest.raises(DeployError, match=r"it closed the connection|Connection reset"):
                live(f"{name}://localhost:{server.port}", 5)


def test_what_does_not_speak_tls_is_told(new: CertificateFiles) -> None:
    with served(says(b"220 I am a mail server\r\n"), new) as server:
        said = failure(service := f"localhost:{server.port}", "00")
    assert said == f"{service} and we do not come to terms on TLS: WRONG_VERSION_NUMBER"


def test_a_service_that_says_nothing_is_not_waited_for_without_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeployError, match="timed out"):
        live(f"smtp://localhost:{silent.getsockname()[1]}", 0.2)


def test_a_host_that_does_not_exist_is_told() -> None:
    assert "does not answer" in failure("no-such-host.invalid:443", "00")


# As a target


def test_the_target_changes_nothing_and_waits_until_it_is_shown(
    old: CertificateFiles, new: CertificateFiles
) -> None:
    with served(at_once, old) as server:
        target = Target({"server": f"localhost:{server.port}", "time_limit": "0.1"})
        target.check(new)
        (change,) = target.changes(new)
        assert old.facts.fingerprint[:16] in change
        with pytest.raises(DeployError, match=old.facts.fingerprint[:16]):
            target.install(new)
        server.load(new)
        assert target.changes(new) == []
        target.install(new)
