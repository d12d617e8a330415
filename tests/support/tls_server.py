"""A server that shows certificates, with TLS at once or after what a protocol says before it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dns01.hooks.deploy.targets.base import CertificateFiles

Talk = Callable[[socket.socket], bool]  # up to the handshake; False: there will be none


def at_once(connection: socket.socket) -> bool:
    return True


class Server:
    """One that shows the certificates of its bundles, each to those who can take no other."""

    def __init__(self, talk: Talk, *bundles: CertificateFiles) -> None:
        self.names: list[str | None] = []
        self.problems: list[BaseException] = []
        self._talk = talk
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.load(*bundles)
        threading.Thread(target=self._serve, daemon=True).start()

    def load(self, *bundles: CertificateFiles) -> None:
        """Show these from the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for bundle in bundles:
            context.load_cert_chain(bundle.facts.certificate.fullchain, bundle.facts.certificate.key)
        context.sni_callback = lambda _connection, name, _context: self.names.append(name)
        self._context = context

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):  # that of close
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            if self._talk(connection):
                with suppress(OSError), self._context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
        except AssertionError as problem:
            self.problems.append(problem)


@contextmanager
def served(talk: Talk, *bundles: CertificateFiles) -> Iterator[Server]:
    server = Server(talk, *bundles)
    try:
        yield server
    finally:
        server.close()
    assert not server.problems
