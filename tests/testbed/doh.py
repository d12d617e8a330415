"""A resolver over HTTPS (RFC 8484), which passes on what it is asked."""

from __future__ import annotations

from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import trustme

from .process import TIME_LIMIT
from .serving import Served, SilentHandler, speak_tls

MEDIA = "application/dns-message"


class Doh(Served):
    """Has the resolver at ``resolver`` and ``port`` answer. Its certificate is for the address alone.

    ``with Doh("127.0.0.56", world.resolver.address, trustme.CA()) as doh: doh.url``

    ``questions`` are the names that it was asked about. It may be spoilt: ``status = 503``, or
    ``content = b"<html>"``.
    """

    def __init__(self, address: str, resolver: str, ca: trustme.CA, port: int = 53) -> None:
        self.url = f"https://{address}/dns-query"
        self.questions: list[str] = []
        self.status = 200
        self.content: bytes | None = None
        self._resolver, self._port = resolver, port
        self._server = _Server((address, 443), partial(_Handler, self))
        speak_tls(self._server, ca, address)

    def answer(self, wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        self.questions.append(query.question[0].name.to_text(omit_final_dot=True))
        return self.content if self.content is not None else self._passed_on(query).to_wire()

    def _passed_on(self, query: dns.message.Message) -> dns.message.Message:
        return dns.query.udp(query, self._resolver, timeout=TIME_LIMIT, port=self._port)


def trust(ca: trustme.CA, path: Path) -> str:
    """Write the CA's certificate there; the path, for SSL_CERT_FILE."""
    ca.cert_pem.write_to_path(path)
    return str(path)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust us hangs up."""


class _Handler(SilentHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, doh: Doh, *args: Any) -> None:
        self._doh = doh
        super().__init__(*args)

    def do_POST(self) -> None:
        assert (self.headers["Content-Type"], self.headers["Accept"]) == (MEDIA, MEDIA)
        body = self._doh.answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self._doh.status)
        self.send_header("Content-Type", MEDIA)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
