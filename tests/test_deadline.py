"""One time limit for a whole exchange: whatever of it is slow, and however."""

from __future__ import annotations

import pytest
import requests
from slow_server import saying, serving

from dns01 import aws
from dns01.deadline import connect, read, remaining, within
from dns01.errors import Unreachable
from dns01.hooks.dns.transports.doh import Doh
from dns01.providers._http.exchange import exchange, open_session

LIMIT = 0.4  # seconds
LARGEST = 1 << 20


def test_without_a_limit_there_is_none() -> None:
    assert remaining() is None
    assert remaining(3.0) == 3.0


def test_a_limit_within_another_is_the_shorter_of_them() -> None:
    with within(1000), within(5000):
        left = remaining()
        assert left is not None
        assert left <= 1000
    with within(1000), within(0), pytest.raises(TimeoutError):
        remaining()
    assert remaining() is None


def test_a_message_that_drips_is_given_up() -> None:
    with (
        serving(saying(b"", b"x")) as port,
        within(LIMIT),
        connect("127.0.0.1", port) as connection,
        pytest.raises(TimeoutError),
    ):
        read(connection, 10**6)


def test_a_message_that_is_whole_is_read() -> None:
    with serving(saying(b"abc")) as port, within(60), connect("127.0.0.1", port) as connection:
        assert read(connection, 2) == b"ab"


def test_a_connection_that_is_closed_in_a_message_is_an_error() -> None:
    with (
        serving(lambda connection, over: connection.sendall(b"ab")) as port,
        within(60),
        connect("127.0.0.1", port) as connection,
        pytest.raises(ConnectionError),
    ):
        read(connection, 3)


ANSWERS = {
    "nothing": saying(b"", b""),
    "the status line": saying(b"", b"H"),
    "headers": saying(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "one header": saying(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "the body": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "chunks": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "interim answers": saying(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "until it closes": saying(b"HTTP/1.0 200 OK\r\n\r\n", b" "),
}


@pytest.mark.parametrize("slow", ANSWERS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_whatever_of_an_answer_drips_the_request_is_given_up(
    slow: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTPS, it is not even TLS that drips."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    session = open_session()
    with serving(ANSWERS[slow]) as port, pytest.raises(requests.exceptions.RequestException):
        exchange(session, "GET", f"{scheme}://127.0.0.1:{port}/", LIMIT, LARGEST)


@pytest.mark.parametrize("slow", ["nothing", "the status line", "one header"])
def test_a_proxy_that_drips_is_given_up(slow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = open_session()
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(ANSWERS[slow]) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(requests.exceptions.RequestException):
            exchange(session, "GET", "https://api.example/", LIMIT, LARGEST)


@pytest.mark.parametrize("slow", ANSWERS)
def test_whatever_of_aws_s_answer_drips_the_request_is_given_up(
    slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    options = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret", "max_retries": "0"}
    account = aws.AwsAccount(options, limit=LIMIT)
    with serving(ANSWERS[slow]) as port:
        client = account.client("route53", f"http://127.0.0.1:{port}")
        with pytest.raises(Unreachable), account.asking("route53:ListHostedZonesByName", "*"):
            client.list_hosted_zones_by_name()
    assert remaining() is None


@pytest.mark.parametrize("slow", ANSWERS)
def test_whatever_of_a_doh_answer_drips_the_question_is_given_up(
    slow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(ANSWERS[slow]) as port, Doh(LIMIT) as doh:
        answer = doh.ask(f"http://127.0.0.1:{port}/dns-query", "example.org")
    assert answer.message is None
    assert answer.problem


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        (b"Content-Length: 70000", bytes(70000), "larger than"),
        (b"Transfer-Encoding: chunked", b"10000\r\n" + bytes(0x10000) + b"\r\n", "larger than"),
        (b"Content-Encoding: gzip\r\nContent-Length: 2", b"{}", "not compressed as it says"),
        (b"Content-Encoding: br\r\nContent-Length: 2", b"{}", "not asked for"),
    ],
)
def test_a_doh_answer_that_nobody_can_want_is_given_up(
    head: bytes, body: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    answer = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body
    with serving(saying(answer)) as port, Doh(60) as doh:
        assert reason in doh.ask(f"http://127.0.0.1:{port}/dns-query", "example.org").problem
