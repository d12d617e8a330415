"""A server of ``socketserver`` in a thread, for as long as ``with`` lasts."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingTCPServer
from typing import Any, Self


class Served:
    """``with`` it, and its ``_server`` answers; a subclass makes that in ``__init__``."""

    _server: TCPServer

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])


class LocalTcpServer(ThreadingTCPServer):
    """At a free port of 127.0.0.1; a connection that hangs does not keep the test from its end."""

    daemon_threads = True

    def __init__(self, handler: Any, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, handler)


class SilentHandler(BaseHTTPRequestHandler):
    """Writes no line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def speak_tls(server: TCPServer, ca: Any, *hosts: str) -> None:
    """With a certificate for the hosts, from ``ca``, a trustme.CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*hosts).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
