"""In front of Pebble: what a bigger CA has that Pebble has not, and what goes wrong with one.

``with AcmeFront(pebble) as front: front.directory, front.ca_file``

It passes every request on. It has renewalInfo (RFC 9773), reads what is asked for (a JWS hides
nothing), and refuses or breaks off what it is told to.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import trustme

from .pebble import Pebble
from .serving import Served, SilentHandler, speak_tls

PROBLEM = "urn:ietf:params:acme:error:"


class Asked(NamedTuple):
    """One request: its path, and what its JWS says (None for a GET, "" for POST-as-GET)."""

    method: str
    path: str
    payload: Any
    headers: Mapping[str, str]

    @property
    def is_new_order(self) -> bool:
        return isinstance(self.payload, dict) and "identifiers" in self.payload

    @property
    def is_finalize(self) -> bool:
        return isinstance(self.payload, dict) and "csr" in self.payload

    @property
    def is_answer(self) -> bool:
        return self.payload == {}


class Refusal(NamedTuple):
    """What is answered in the place of Pebble. ``code``: of RFC 8555 §6.7."""

    status: int
    code: str
    detail: str = "refused by the test"
    retry_after: str = ""


class AcmeFront(Served):
    """``windows``: by a certificate's identifier (RFC 9773 §4.1), the JSON of its renewal information,
    or a Refusal; "*" is every other's. ``refuse``: gives a Refusal for a request, or None. ``before``
    and ``after``: called with each request before Pebble has it, and before its answer goes out.
    ``asked``: all requests so far. ``reuses_orders``: whether who asks for the same names gets the same
    order, as Boulder does while it is open. ``rewrite``: gives what goes out in the place of what Pebble
    answers to a request, ``headers`` with more of them."""

    def __init__(self, pebble: Pebble) -> None:
        self._pebble = pebble
        self.windows: dict[str, Mapping[str, Any] | Refusal] = {}
        self.renewal_retry_after = "21600"
        self.refuse: Callable[[Asked], Refusal | None] = lambda asked: None
        self.before: Callable[[Asked], None] = lambda asked: None
        self.after: Callable[[Asked], None] = lambda asked: None
        self.headers: list[tuple[str, str]] = []
        self.rewrite: Callable[[Asked, bytes], bytes] = lambda asked, content: content
        self.asked: list[Asked] = []
        self.orders: list[Mapping[str, Any]] = []  # the payloads that Pebble has taken
        self.has_renewal_info = True
        self.reuses_orders = False
        self._open: dict[str, tuple[str, bytes]] = {}  # by its identifiers, the URL and the order

    def __enter__(self) -> Self:
        ca = trustme.CA()
        self.ca_file = self._pebble.folder / "front.pem"
        ca.cert_pem.write_to_path(self.ca_file)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        speak_tls(self._server, ca, "127.0.0.1")
        self.directory = f"https://127.0.0.1:{self.port}/dir"
        return super().__enter__()

    def new_orders(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.is_new_order]

    def _handler(front) -> type[BaseHTTPRequestHandler]:  # self is the handler's
        class Handler(SilentHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                front._serve(self, b"")

            do_HEAD = do_GET

            def do_POST(self) -> None:
                front._serve(self, self.rfile.read(int(self.headers["Content-Length"])))

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        asked = Asked(handler.command, urlsplit(handler.path).path, _payload(body), dict(handler.headers))
        self.asked.append(asked)
        if asked.path.startswith("/renewal/"):
            self._renewal(handler, asked.path.rpartition("/")[2])
            return
        if refusal := self.refuse(asked):
            self._refuse(handler, refusal)
            return
        self.before(asked)
        response, content = self._pass_on(handler, body)
        if asked.path == "/dir" and self.has_renewal_info:
            directory = json.loads(content)
            directory["renewalInfo"] = self.directory.removesuffix("/dir") + "/renewal"
            content = json.dumps(directory).encode()
        content = self.rewrite(asked, content)
        headers = [*response.getheaders(), *self.headers]
        if asked.is_new_order and response.status == 201:
            self.orders.append(asked.payload)
            if self.reuses_orders:
                identifiers = json.dumps(asked.payload["identifiers"])
                this = (str(response.getheader("Location")), content)
                url, content = self._open.setdefault(identifiers, this)
                headers = [(name, url if name == "Location" else value) for name, value in headers]
        self.after(asked)
        handler.send_response(response.status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                handler.send_header(name, value)
        _end(handler, content)

    def _pass_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[HTTPResponse, bytes]:
        """With its own Host, by which Pebble makes the URLs that it gives."""
        there = urlsplit(self._pebble.directory)
        trusted = ssl.create_default_context(cafile=str(self._pebble.ca_file))
        connection = HTTPSConnection(str(there.hostname), there.port, context=trusted, timeout=20)
        try:
            connection.request(handler.command, handler.path, body or None, dict(handler.headers))
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def _renewal(self, handler: BaseHTTPRequestHandler, identifier: str) -> None:
        window = self.windows.get(identifier, self.windows.get("*", Refusal(404, "malformed")))
        if isinstance(window, Refusal):
            self._refuse(handler, window)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Retry-After", self.renewal_retry_after)
        _end(handler, json.dumps(window).encode())

    def _refuse(self, handler: BaseHTTPRequestHandler, refusal: Refusal) -> None:
        handler.send_response(refusal.status)
        handler.send_header("Content-Type", "application/problem+json")
        if refusal.retry_after:
            handler.send_header("Retry-After", refusal.retry_after)
        _end(handler, json.dumps({"type": PROBLEM + refusal.code, "detail": refusal.detail}).encode())


def _payload(body: bytes) -> Any:
    if not body:
        return None
    encoded = json.loads(body)["payload"]
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    return json.loads(decoded) if decoded else ""


def _end(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)
