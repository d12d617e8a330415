"""What the fakes of AWS have in common: HTTP on loopback, XML, signatures (Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
import trustme
from testbed.serving import Served, SilentHandler, speak_tls

Tree = tuple[str, "str | Sequence[Tree]"]
Mischief = Literal["silence", "reset", "truncated", "html", "lost"]


class Request(NamedTuple):
    """``query`` has each parameter once; ``headers`` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    status: int
    body: bytes
    type: str = "text/xml"


class Refusal(Exception):
    """An error as AWS answers it: the HTTP status, its code, a message."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


class HttpFake(Served):
    """A server at ``url``; ``answer`` is what it does. ``tls``: a trustme.CA, where it shall speak
    HTTPS for ``hosts``. ``refusals`` has the requests that it said no to, with what it said.

    ``plan(...)`` says how the next requests fail: with a Refusal, with silence, with an answer
    that breaks off (``reset``), is half an answer (``truncated``) or none of AWS (``html``), or
    with one that is lost after what was asked for is done (``lost``).
    """

    hosts: ClassVar[Sequence[str]] = ()

    def __init__(self, tls: trustme.CA | None = None) -> None:
        fake = self
        self.refusals: list[tuple[Request, int, str]] = []
        self._plans: deque[Mischief | Refusal] = deque()
        self._closing = threading.Event()
        self._lock = threading.RLock()

        class Handler(SilentHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one segment: else each answer waits 40 ms for an ACK

            def do_GET(self) -> None:
                fake._handle(self)

            do_POST = do_PUT = do_GET

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = ("127.0.0.1", self.port)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        if tls:
            speak_tls(self._server, tls, "127.0.0.1", *self.hosts)

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        super().__exit__(*exc)

    def plan(self, *mischiefs: Mischief | Refusal) -> None:
        self._plans.extend(mischiefs)

    def answer(self, request: Request) -> Answer:
        """Raises Refusal."""
        raise NotImplementedError

    def refuse(self, refusal: Refusal) -> Answer:
        raise NotImplementedError

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        pairs = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = handler.rfile.read(int(headers.get("content-length", 0)))
        request = Request(handler.command, url.path, dict(pairs), headers, body)
        with self._lock:
            plan = self._plans.popleft() if self._plans else None
            try:
                if isinstance(plan, Refusal):
                    raise plan
                answer = self.answer(request)
            except Refusal as refusal:
                self.refusals.append((request, refusal.status, f"{refusal.code}: {refusal}"))
                answer = self.refuse(refusal)
        match plan:
            case "silence":
                self._closing.wait(30)
            case "lost":
                return _reset(handler.connection)
            case "html":
                answer = Answer(200, b"<!DOCTYPE html><p>Log in to this network", "text/html")
            case "truncated":
                answer = answer._replace(body=answer.body[: len(answer.body) // 2])
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.type)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body[: len(answer.body) // 2] if plan == "reset" else answer.body)
        if plan == "reset":
            handler.wfile.flush()
            _reset(handler.connection)
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is nothing to tell."""


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()


def xml(tree: Tree, namespace: str) -> bytes:
    """An element is its name and its text, or its name and its elements."""

    def element(name: str, content: Any) -> ET.Element:
        node = ET.Element(name)
        if isinstance(content, str):
            node.text = content
        else:
            node.extend(element(*child) for child in content)
        return node

    root = element(*tree)
    root.set("xmlns", namespace)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


_SCHEME = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


def signer(request: Request, service: str, secrets: Mapping[str, tuple[str, str]]) -> str:
    """The access key that signed the request; ``secrets``: (secret, session token) of each.

    Raises Refusal as AWS would.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    scheme = _SCHEME.fullmatch(request.headers.get("authorization", ""))
    if not scheme:
        raise Refusal(403, "MissingAuthenticationToken", "Missing Authentication Token")
    key, date, region, signed_for, names, signature = scheme.groups()
    if key not in secrets:
        raise Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    secret, token = secrets[key]
    if request.headers.get("x-amz-security-token", "") != token:
        raise Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    if (region, signed_for) != ("us-east-1", service):
        raise Refusal(403, "SignatureDoesNotMatch", f"Credential should be scoped to us-east-1/{service}.")
    query = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(request.query.items()))
    canonical = "\n".join(
        [
            request.method,
            quote(unquote(request.path), safe="/~"),
            query,
            *(f"{name}:{' '.join(request.headers[name].split())}" for name in names.split(";")),
            "",
            names,
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    scope = f"{date}/{region}/{signed_for}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{digest}"
    derived = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        derived = hmac.digest(derived, part.encode(), "sha256")
    if derived.hex() != signature:
        raise Refusal(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
    return key


def forget_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the machine has for AWS's clients is left to be found."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", os.devnull)
