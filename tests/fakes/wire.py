"""Requests in and answers out, over HTTP or HTTPS on loopback; and what befalls them on the way."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from testbed.serving import Served

from .faults import Bomb, Cut, Drip, Encoded, Fault, Hang, Json, Reset, Text

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


class Request(NamedTuple):
    """What came in. ``body`` is None where there was none."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


class Answer(NamedTuple):
    """``body`` is sent as JSON, or as it is if it is bytes; None is sent as nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


class Server(Served, ThreadingHTTPServer):
    """Has ``respond`` say what to answer, at a free port of 127.0.0.1.

    ``with Server(respond, context) as server: server.port``; ``context``: of TLS, or None.
    """

    request_queue_size = 128

    def __init__(
        self,
        respond: Callable[[Request], tuple[Answer, Fault | None]],
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._server = self
        self.respond = respond
        self.over = threading.Event()
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        super().__exit__(*exc)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            parsed = json.loads(body) if body else None
        except ValueError:
            parsed = body.decode(errors="replace")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        request = Request(self.command, url.path, query, dict(self.headers.items()), parsed)
        answer, fault = self.server.respond(request)
        match fault:
            case Hang():
                self.server.over.wait()
                self.close_connection = True
            case Drip():
                self._drip(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"drip", 0.05) if fault.headers else self._drip(
                    CHUNKED, b"1\r\n \r\n", 0.05
                )
            case Bomb():
                if fault.compressed:
                    self._write(200, _bomb(), {"Content-Encoding": "gzip"})
                else:
                    self._drip(CHUNKED, b"10000\r\n" + b" " * 0x10000 + b"\r\n", 0)
            case Encoded():
                self._write(200, b"\x0b\x02\x80not at all\x03", {"Content-Encoding": fault.encoding})
            case Reset():
                self._send(answer, share=0.5)
                self._reset()
            case Cut():
                content = _content(answer.body or {"a": "b"})
                self._write(200, content[: len(content) // 2], {"Content-Type": "application/json"})
            case Json():
                body = fault.body if isinstance(fault.body, bytes) else json.dumps(fault.body).encode()
                self._write(fault.status, body, {"Content-Type": "application/json"})
            case Text():
                headers = {"Content-Type": "text/html", **fault.headers}
                self._write(fault.status, fault.text.encode(), headers)
            case _:
                self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def _send(self, answer: Answer, share: float = 1.0) -> None:
        content = _content(answer.body)
        kind = {"Content-Type": "application/json"} if content else {}
        self._write(answer.status, content, {**kind, **answer.headers}, share)

    def _write(self, status: int, content: bytes, headers: Mapping[str, str], share: float = 1.0) -> None:
        """In one piece, or as much of it as ``share`` says."""
        length = {} if status == 204 else {"Content-Length": str(len(content))}
        lines = [f"{name}: {value}" for name, value in {**headers, **length}.items()]
        head = "\r\n".join([f"HTTP/1.1 {status} {_phrase(status)}", *lines, "", ""])
        whole = head.encode() + content
        self.wfile.write(whole[: int(len(whole) * share)])

    def _drip(self, head: bytes, drop: bytes, pause: float) -> None:
        """The head, and then one drop after the other until nobody listens any more."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.write(head)
            while not self.server.over.wait(pause):
                self.wfile.write(drop)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """pytest has ``requests`` and ``refusals``."""


@cache
def _bomb() -> bytes:
    """64 KiB that become 64 MiB."""
    return gzip.compress(b" " * (64 << 20))


def _content(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


def _phrase(status: int) -> str:
    """What HTTP calls the status; some APIs have one of their own."""
    with suppress(ValueError):
        return HTTPStatus(status).phrase
    return "Unassigned"
