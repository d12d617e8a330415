"""Whoever we talk to may drip, fall silent, flood or bomb: each exchange ends in time, in little memory."""

from __future__ import annotations

import gzip
import re
import socket
import struct
import threading
import zlib
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
import requests
from amounts import LONG
from fakes.awshttp import forget_aws
from josepy.jwk import JWKRSA
from slow_server import Handle, saying, serving

from dns01 import aws
from dns01.deadline import remaining
from dns01.errors import AcmeError, ConfigError, DeployError, ProviderError, StateError, Unreachable
from dns01.hooks.deploy.service.served_certificate import live
from dns01.hooks.deploy.targets._haproxy_api import Runtime
from dns01.hooks.dns.transports.doh import Doh
from dns01.hooks.issue.acme.client import AcmeSession
from dns01.hooks.issue.acme.renewal_info import RenewalInfo
from dns01.hooks.issue.fleet.database import Database
from dns01.providers import load
from dns01.providers._http.body import UnreadableAnswer
from dns01.providers._http.exchange import exchange, open_session
from dns01.providers.base import TxtRecord, Zone

LIMIT = 0.4  # seconds
NOBODY = "http://127.9.9.9:9"
MOST = 64 << 20  # octets of memory that no answer takes


# Who asks. Each returns what it says of a server that is no good.


def pairs(servers: Collection[str]) -> list[tuple[str, str]]:
    """Each asker with each server; in the short run each server with one asker, in turns."""
    return [
        (who, what)
        for row, what in enumerate(servers)
        for column, who in enumerate(WEB)
        if LONG or row % len(WEB) == column
    ]


def most_memory(*, anew: bool = False) -> int:
    """Octets that this process has had at most, since this was last counted ``anew``."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")  # proc(5)
    (peak,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak) << 10


def an_api(scheme: str, port: int) -> None:
    exchange(open_session(), "GET", f"{scheme}://127.0.0.1:{port}/", LIMIT, 1 << 20)


def the_ca(scheme: str, port: int) -> None:
    key = JWKRSA.fields_from_json  # no request of these gets so far as to be signed
    AcmeSession(f"{scheme}://127.0.0.1:{port}/", key, sleep=lambda _: None, timeout=LIMIT)  # type: ignore[arg-type]


def renewal_info(scheme: str, port: int) -> None:
    RenewalInfo(f"{scheme}://127.0.0.1:{port}/", timeout=LIMIT)


def route53(scheme: str, port: int, limit: float = LIMIT) -> None:
    options = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret", "max_retries": "0"}
    account = aws.AwsAccount(options, limit=limit)
    client = account.client("route53", f"{scheme}://127.0.0.1:{port}")
    with account.asking("route53:ListHostedZonesByName", "*"):
        client.list_hosted_zones_by_name()


def credentials_of(scheme: str, port: int, **environ: str) -> None:
    """By way of whoever gives Route 53's credentials, which is what does not answer."""
    with pytest.MonkeyPatch.context() as patch:
        forget_aws(patch)
        for name, value in environ.items():
            patch.setenv(name, value.replace("URL", f"{scheme}://127.0.0.1:{port}/"))
        account = aws.AwsAccount({"max_retries": "0"}, limit=LIMIT)
        with account.asking("route53:ListHostedZonesByName", "*"):
            account.client("route53", NOBODY).list_hosted_zones_by_name()


def a_container(scheme: str, port: int) -> None:
    credentials_of(scheme, port, AWS_CONTAINER_CREDENTIALS_FULL_URI="URL")


def an_instance(scheme: str, port: int) -> None:
    credentials_of(scheme, port, AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT="URL")


def a_web_identity(scheme: str, port: int) -> None:
    role = "arn:aws:iam::123456789012:role/dns01"
    token = {"AWS_WEB_IDENTITY_TOKEN_FILE": __file__, "AWS_ROLE_ARN": role}
    credentials_of(scheme, port, AWS_ENDPOINT_URL_STS="URL", **token)


def a_module_of_lexicon(scheme: str, port: int) -> None:
    server = {"pdns_server": f"{scheme}://127.0.0.1:{port}", "auth_token": "secret"}
    options = {"api": "powerdns", "time_limit": "3", **{f"options.{key}": server[key] for key in server}}
    provider = load("lexicon")(options)
    provider.publish(Zone("example.org"), [TxtRecord("_acme-challenge.example.org", "value", 60)])


class Refused(Exception):
    """As the others raise theirs."""


def a_doh_resolver(scheme: str, port: int) -> None:
    with Doh(LIMIT) as doh:
        answer = doh.ask(f"{scheme}://127.0.0.1:{port}/dns-query", "example.org")
    assert answer.message is None
    raise Refused(answer.problem)


REFUSALS = (AcmeError, ConfigError, Refused, ProviderError, UnreadableAnswer, requests.RequestException)
WEB = {
    "an API": an_api,
    "the CA": the_ca,
    "renewalInfo": renewal_info,
    "Route 53": route53,
    "a DoH resolver": a_doh_resolver,
    "a container's credentials": a_container,
    "an instance's credentials": an_instance,
    "a role's credentials": a_web_identity,
    "a module of lexicon": a_module_of_lexicon,
}

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TLS_RECORD = b"\x16\x03\x03\x40\x00"  # of a handshake, of 16 KiB
DRIPS = {
    "TLS": ("https", saying(TLS_RECORD, b"\0")),
    "TLS alerts": ("https", saying(b"", b"\x15\x03\x03\0\x02\x01\x5a")),  # user_canceled, a warning
    "a header's name": ("http", saying(OK + b"X", b"X")),
    "a chunk's size": ("http", saying(CHUNKED, b"0")),
    "a chunk's extension": ("http", saying(CHUNKED + b"1;", b"a")),
    "trailers": ("http", saying(CHUNKED + b"0\r\n", b"X-A: b\r\n")),
    "interim answers": ("http", saying(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n")),
    "gzip": ("http", saying(OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\3", b"\0")),
}


@pytest.mark.parametrize(("who", "what"), pairs(DRIPS))
def test_whatever_drips_is_given_up(who: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    scheme, handle = DRIPS[what]
    with serving(handle) as port, pytest.raises(REFUSALS):
        WEB[who](scheme, port)
    assert remaining() is None


@cache
def spaces(window: int) -> bytes:
    """300 MiB of them, compressed in little memory; ``window``: as zlib has it, for gzip or for deflate."""
    press = zlib.compressobj(1, wbits=window)
    piece = b" " * (1 << 20)
    return b"".join([*(press.compress(piece) for _ in range(300)), press.flush()])


def bomb(encoding: str) -> Handle:
    content = spaces(zlib.MAX_WBITS if encoding == "deflate" else zlib.MAX_WBITS + 16)
    if encoding == "gzip, gzip":
        content = gzip.compress(content)
    head = f"Content-Encoding: {encoding}\r\nContent-Length: {len(content)}\r\n\r\n"
    return saying(OK + head.encode() + content)


FLOODS = {
    "gzip": lambda: bomb("gzip"),
    "deflate": lambda: bomb("deflate"),
    "gzip twice": lambda: bomb("gzip, gzip"),
    "a compression that nobody asked for": lambda: bomb("br"),
    "a body": lambda: saying(OK + b"\r\n", b" " * 65536, 0),
    "chunks": lambda: saying(CHUNKED, (b"1000\r\n" + b" " * 4096 + b"\r\n") * 16, 0),
    "a chunk's size": lambda: saying(CHUNKED, b"0" * 65536, 0),
    "a trailer": lambda: saying(CHUNKED + b"0\r\nX-A: ", b"a" * 65536, 0),
    "headers": lambda: saying(OK, b"X-A: b\r\n" * 8192, 0),
    "one header": lambda: saying(OK + b"X-A: ", b"a" * 65536, 0),
    "a status line": lambda: saying(b"HTTP/1.1 200 ", b"O" * 65536, 0),
    "interim answers": lambda: saying(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 4096, 0),
    "a redirection to itself": lambda: redirecting,
    "a length that is none": lambda: saying(OK + "Content-Length: ²\r\n\r\n{}".encode("latin-1")),
    "a length below zero": lambda: saying(OK + b"Content-Length: -1\r\n\r\n{"),
    "two lengths": lambda: saying(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
}


def redirecting(connection: socket.socket, over: threading.Event) -> None:
    place = b"http://127.0.0.1:%d/again" % connection.getsockname()[1]
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % place)


@pytest.mark.parametrize(("who", "what"), pairs(FLOODS))
def test_whatever_floods_takes_little_memory(who: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handle = FLOODS[what]()
    before = most_memory(anew=True)
    with serving(handle) as port, suppress(*REFUSALS):
        WEB[who]("http", port)
    assert most_memory() - before < MOST
    assert remaining() is None


@pytest.mark.parametrize("what", ["a body", "chunks"])
def test_a_library_of_aws_is_given_so_much_and_no_more(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it would be willing to read."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    before = most_memory(anew=True)
    with serving(FLOODS[what]()) as port, pytest.raises(Unreachable):
        route53("http", port, limit=600.0)
    assert most_memory() - before < 4 * MOST


# Services that are looked at over TLS


GREETINGS = {
    "smtp": (b"220", b"-a\r\n220"),
    "imap": (b"* OK\r\n", b"* A\r\n"),
    "pop3": (b"+OK", b"a"),
    "ldap": (b"\x30\x84\0\0\x20\0", b"a"),
    "postgres": (b"", b""),
}


@pytest.mark.parametrize("scheme", ["", *(f"{name}://" for name in GREETINGS)])
def test_a_service_that_drips_is_given_up(scheme: str) -> None:
    first, then = GREETINGS.get(scheme.removesuffix("://"), (TLS_RECORD, b"\0"))
    with serving(saying(first, then)) as port, pytest.raises(DeployError, match="does not"):
        live(f"{scheme}127.0.0.1:{port}", LIMIT)


def test_a_haproxy_that_drips_is_given_up() -> None:
    with serving(saying(b"", b"a")) as port, pytest.raises(DeployError, match="does not answer"):
        Runtime(f"127.0.0.1:{port}", LIMIT).check_level()


# The database

POSTGRES_READY = b"R" + struct.pack("!II", 8, 0) + b"Z" + struct.pack("!I", 5) + b"I"
NOTICE = b"N" + struct.pack("!I", 10) + b"Ma\0\0\0\0"


def postgres(then: bytes) -> Handle:
    """One that lets everybody in, and answers nothing that it is asked."""

    def handle(connection: socket.socket, over: threading.Event) -> None:
        first = connection.recv(8)
        if first[4:] == struct.pack("!I", 80877103):  # SSLRequest
            connection.sendall(b"N")
            first = connection.recv(8)
        connection.recv(struct.unpack("!I", first[:4])[0] - 8)
        saying(POSTGRES_READY, then)(connection, over)

    return handle


@pytest.mark.parametrize("then", [b"", NOTICE], ids=["silent", "dripping"])
def test_a_database_that_answers_nothing_is_given_up(then: bytes) -> None:
    with serving(postgres(then)) as port:
        url = f"postgresql://dns01@127.0.0.1:{port}/dns01?sslmode=disable&gssencmode=disable"
        database = Database(url, patience=0.0, answer_timeout=LIMIT)
        with pytest.raises(StateError, match=r"the database at 127\.0\.0\.1 "):
            database.transaction(lambda connection: connection.execute("SELECT 1").fetchone())
        database.close()
