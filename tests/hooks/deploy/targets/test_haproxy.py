"""A certificate in a running HAProxy, which is a real one, and what it serves to a TLS client."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from bundles import issued, with_ed25519
from served import fingerprint
from slow_server import serving
from testbed.process import Server, free_port, is_listening
from trustme import KeyType

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.haproxy import Target

CONFIGURATION = """
global
    stats socket {folder}/admin.sock mode 600 level admin
    stats socket {folder}/operator.sock mode 600 level operator
    stats socket ipv4@127.0.0.1:{api} level admin
defaults
    mode http
    timeout connect 5m
    timeout client 5m
    timeout server 5m
frontend files
    bind 127.0.0.1:{port} ssl crt {folder}/certs/
    http-request return status 200
frontend listed
    bind 127.0.0.1:{listed} ssl crt-list {folder}/crt-list.txt
    http-request return status 200
"""


class HAProxy(Server):
    """Serves the folder ``certs``, and what ``crt-list.txt`` names of ``listed``."""

    def __init__(self, first: bytes) -> None:
        self._first = first
        self.port, self.listed, self.api = (free_port("127.0.0.1") for _ in range(3))

    def prepare(self) -> Sequence[str]:
        for folder in ("certs", "listed"):
            (self.folder / folder).mkdir()
            (self.folder / folder / "first.example.pem").write_bytes(self._first)
        (self.folder / "crt-list.txt").write_text(
            f"# by hand\n{self.folder}/listed/first.example.pem [alpn h2]\n"
        )
        ports = {"port": self.port, "listed": self.listed, "api": self.api}
        (self.folder / "haproxy.cfg").write_text(CONFIGURATION.format(folder=self.folder, **ports))
        return ["haproxy", "-db", "-f", "haproxy.cfg"]

    def is_ready(self) -> bool:
        sockets = [self.folder / name for name in ("admin.sock", "operator.sock")]
        return is_listening("127.0.0.1", self.api) and all(path.exists() for path in sockets)

    def serves(self, name: str, port: int = 0) -> str:
        """The fingerprint of what a client that asks for the name is shown."""
        return fingerprint(port or self.port, name)

    def ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{self.folder}/admin.sock")
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.fixture
def first(tmp_path: Path) -> CertificateFiles:
    """What HAProxy has from its start."""
    return issued(tmp_path / "client" / "first", "first.example")


@pytest.fixture
def new(tmp_path: Path) -> CertificateFiles:
    return issued(tmp_path / "client" / "new", "first.example")


@pytest.fixture
def other(tmp_path: Path) -> CertificateFiles:
    """Of a name that HAProxy does not know."""
    return issued(tmp_path / "client" / "other", "other.example")


@pytest.fixture
def haproxy(first: CertificateFiles) -> Iterator[HAProxy]:
    with HAProxy(first.fullchain + first.key) as server:
        yield server


def target(haproxy: HAProxy, folder: str = "certs", **options: str) -> Target:
    defaults = {"socket": f"{haproxy.folder}/admin.sock", "file": f"{haproxy.folder}/{folder}/{{name}}.pem"}
    return Target({"mode": "0600", "time_limit": "60"} | defaults | options)


def deploy(to: Target, bundle: CertificateFiles) -> None:
    """As the core does it."""
    to.check(bundle)
    assert to.changes(bundle)
    to.install(bundle)
    assert to.changes(bundle) == []


def refusal(to: Target, bundle: CertificateFiles) -> tuple[str, str]:
    with pytest.raises(DeployError) as caught:
        to.check(bundle)
    return str(caught.value), caught.value.hint


def test_a_renewed_certificate_is_served_without_a_reload_and_is_in_its_file(
    haproxy: HAProxy, first: CertificateFiles, new: CertificateFiles
) -> None:
    assert haproxy.serves("first.example") == first.facts.fingerprint
    deploy(target(haproxy), new)

    assert haproxy.serves("first.example") == new.facts.fingerprint
    file = haproxy.folder / "certs" / "first.example.pem"
    assert file.read_bytes() == new.fullchain + new.key
    assert file.stat().st_mode & 0o7777 == 0o600
    assert "Uptime_sec" in haproxy.ask("show info")  # the same process


def test_a_key_that_haproxy_has_no_word_for_is_served_as_well(
    haproxy: HAProxy, first: CertificateFiles, tmp_path: Path
) -> None:
    """2.6 shows neither the algorithm of Ed25519 nor what comes behind it, the fingerprint."""
    new, newer = (with_ed25519(tmp_path / name, "first.example") for name in ("new", "newer"))
    deploy(target(haproxy), new)
    target(haproxy).commit(new)
    assert haproxy.serves("first.example") == new.facts.fingerprint

    deploy(target(haproxy), newer)
    assert haproxy.serves("first.example") == newer.facts.fingerprint
    target(haproxy).undo(newer)
    assert haproxy.serves("first.example") == new.facts.fingerprint
    deploy(target(haproxy), first)
    assert haproxy.serves("first.example") == first.facts.fingerprint


def test_the_socket_may_be_a_tcp_port(haproxy: HAProxy, new: CertificateFiles) -> None:
    deploy(target(haproxy, socket=f"127.0.0.1:{haproxy.api}"), new)

    assert haproxy.serves("first.example") == new.facts.fingerprint


def test_a_plan_says_what_changes_and_changes_nothing(
    haproxy: HAProxy, first: CertificateFiles, new: CertificateFiles
) -> None:
    name = f"{haproxy.folder}/certs/first.example.pem"

    assert f"HAProxy gets {name} without a reload" in target(haproxy).changes(new)
    assert haproxy.serves("first.example") == first.facts.fingerprint
    assert haproxy.ask("show ssl cert").split() == [
        "#",
        "filename",
        name,
        f"{haproxy.folder}/listed/first.example.pem",
    ]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_first_certificate_is_added_to_the_folder(
    haproxy: HAProxy, other: CertificateFiles, slash: str
) -> None:
    to = target(haproxy, crt_list=f"{haproxy.folder}/certs{slash}")
    deploy(to, other)
    assert haproxy.serves("other.example") == other.facts.fingerprint

    to.undo(other)
    assert haproxy.serves("other.example") != other.facts.fingerprint
    assert "other.example" not in haproxy.ask("show ssl cert")
    assert not (haproxy.folder / "certs" / "other.example.pem").exists()


def test_a_first_certificate_is_added_to_the_crt_list_and_to_its_file(
    haproxy: HAProxy, other: CertificateFiles
) -> None:
    path = haproxy.folder / "crt-list.txt"
    path.chmod(0o640)
    before = path.read_text()
    to = target(haproxy, "listed", crt_list=str(path))
    deploy(to, other)

    assert haproxy.serves("other.example", haproxy.listed) == other.facts.fingerprint
    assert path.read_text() == f"{before}{haproxy.folder}/listed/other.example.pem\n"
    assert path.stat().st_mode & 0o7777 == 0o640

    to.undo(other)
    assert path.read_text() == before
    assert haproxy.serves("other.example", haproxy.listed) != other.facts.fingerprint


def test_a_first_certificate_without_a_list_is_refused_before_anything_is_written(
    haproxy: HAProxy, other: CertificateFiles
) -> None:
    message, hint = refusal(target(haproxy), other)

    assert message == f"HAProxy does not know {haproxy.folder}/certs/other.example.pem"
    assert "crt_list" in hint
    assert not (haproxy.folder / "certs" / "other.example.pem").exists()


def test_the_way_back_is_the_old_file_and_the_old_certificate(
    haproxy: HAProxy, first: CertificateFiles, new: CertificateFiles
) -> None:
    to = target(haproxy)
    deploy(to, new)
    target(haproxy).undo(new)

    assert haproxy.serves("first.example") == first.facts.fingerprint
    assert (haproxy.folder / "certs" / "first.example.pem").read_bytes() == first.fullchain + first.key


def test_what_a_killed_process_left_open_is_aborted_and_done_anew(
    haproxy: HAProxy, first: CertificateFiles, new: CertificateFiles
) -> None:
    name = f"{haproxy.folder}/certs/first.example.pem"
    pem = (first.fullchain + first.key).decode()
    assert "Transaction created" in haproxy.ask(f"set ssl cert {name} <<\n{pem}")

    deploy(target(haproxy), new)
    assert haproxy.serves("first.example") == new.facts.fingerprint


def test_a_transaction_for_another_certificate_is_not_touched(
    haproxy: HAProxy, first: CertificateFiles, new: CertificateFiles
) -> None:
    """HAProxy 2.6 would write into it."""
    another = f"{haproxy.folder}/listed/first.example.pem"
    pem = (first.fullchain + first.key).decode()
    assert "Transaction created" in haproxy.ask(f"set ssl cert {another} <<\n{pem}")
    with pytest.raises(DeployError) as caught:
        target(haproxy).install(new)

    words = f"has a transaction open for {another}, and takes one at a time"
    assert f"HAProxy at {haproxy.folder}/admin.sock {words}" in str(caught.value)
    assert caught.value.hint == f"if nobody is at work on it: abort ssl cert {another}"
    assert haproxy.serves("first.example") == first.facts.fingerprint
    assert (haproxy.folder / "certs" / "first.example.pem").read_bytes() == first.fullchain + first.key
    assert f"*{another}" in haproxy.ask("show ssl cert")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda bundle: bundle._replace(key=b""), "does not commit the certificate"),
        (lambda bundle: bundle._replace(fullchain=bundle.fullchain * 30), "does not take the certificate"),
    ],
    ids=["no key", "larger than its buffer"],
)
def test_what_haproxy_does_not_take_leaves_file_and_memory_as_they_were(
    haproxy: HAProxy, first: CertificateFiles, new: CertificateFiles, broken: object, said: str
) -> None:
    assert callable(broken)
    with pytest.raises(DeployError, match=said):
        target(haproxy).install(broken(new))

    assert haproxy.serves("first.example") == first.facts.fingerprint
    assert (haproxy.folder / "certs" / "first.example.pem").read_bytes() == first.fullchain + first.key
    assert "*" not in haproxy.ask("show ssl cert")
    deploy(target(haproxy), new)


def test_a_wildcard_s_name_and_empty_lines_between_certificates_are_nothing_special(
    haproxy: HAProxy, tmp_path: Path
) -> None:
    wildcard = issued(tmp_path / "wildcard", "*.wild.example")
    spaced = wildcard.fullchain.replace(b"-----BEGIN", b"\n\r\n-----BEGIN")
    deploy(target(haproxy, crt_list=f"{haproxy.folder}/certs"), wildcard._replace(fullchain=spaced))

    assert haproxy.serves("any.wild.example") == wildcard.facts.fingerprint


def test_a_large_rsa_certificate_fits(haproxy: HAProxy, tmp_path: Path) -> None:
    large = issued(
        tmp_path / "rsa", "first.example", *(f"n{n}.first.example" for n in range(99)), key=KeyType.RSA
    )
    deploy(target(haproxy), large)

    assert haproxy.serves("first.example") == large.facts.fingerprint


class TestASocket:
    def test_of_the_level_operator_is_refused_before_anything_is_written(
        self, haproxy: HAProxy, new: CertificateFiles
    ) -> None:
        message, hint = refusal(target(haproxy, socket=f"{haproxy.folder}/operator.sock"), new)

        assert message.endswith("has the level operator, which may not change a certificate")
        assert hint.endswith(" level admin")

    def test_that_is_not_there_is_an_error(self, haproxy: HAProxy, new: CertificateFiles) -> None:
        message, hint = refusal(target(haproxy, socket=f"{haproxy.folder}/none.sock"), new)

        socket = f"{haproxy.folder}/none.sock"
        assert message == f"HAProxy at {socket} does not answer: No such file or directory"
        has = f"its global section has: stats socket {socket} mode 600 level admin"
        assert hint == f"see that it runs, and that {has}"

    @pytest.mark.parametrize(
        ("answer", "said"),
        [(None, "timed out"), (b"\x1b[31mHELLO", r"\x1b[31mHELLO"), (b"x" * 1000, "says more than 4 MiB")],
        ids=["says nothing", "is another's", "never ends"],
    )
    def test_of_something_else_is_not_waited_for_without_end(
        self, haproxy: HAProxy, tmp_path: Path, new: CertificateFiles, answer: bytes | None, said: str
    ) -> None:
        with listening(tmp_path / "socket", answer) as path:
            message, _ = refusal(
                target(haproxy, socket=str(path), time_limit="1" if answer is None else "300"), new
            )
        assert said in message


@contextmanager
def listening(path: Path, answer: bytes | None) -> Iterator[Path]:
    """A socket that answers every command with that; for a long one, without end; None: never."""

    def handle(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        if answer is None:
            over.wait()
        for _ in range(10_000 if len(answer or b"") > 100 else 1):
            connection.sendall(answer or b"")

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    with serving(handle, listener):
        yield path


@pytest.mark.parametrize("name", ["/etc/a b.pem", "/etc/a;b.pem", "/etc/a\nb.pem", "*/etc/a.pem", "a\\b"])
def test_a_name_that_is_no_word_to_haproxy_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a word to HAProxy"):
        Target(
            {"socket": "/s", "file": "/etc/a.pem", "mode": "0600", "time_limit": "60", "certificate": name}
        )


@pytest.mark.parametrize("name", ["a b.example", "a.example;disable frontend files", "a\\b", "<<", "a\nb"])
def test_nor_is_a_certificate_given_that_would_make_it_one(name: str, tmp_path: Path) -> None:
    """As a private CA may issue it: it would end HAProxy's command, and begin another."""
    target = Target(
        {
            "socket": "/nowhere.sock",
            "file": f"{tmp_path}/{{name}}.pem",
            "crt_list": str(tmp_path),
            "mode": "0600",
            "time_limit": "60",
        }
    )
    with pytest.raises(DeployError, match=re.escape(repr(f"{tmp_path}/{name}.pem"))):
        target.check(issued(tmp_path / "client")._replace(name=name))
