"""An HTTP proxy that leads every CONNECT to one place: the fakes for whom the world has a name."""

from __future__ import annotations

import select
import socket
from socketserver import StreamRequestHandler

from testbed.serving import LocalTcpServer, Served


class Proxy(Served):
    """``with Proxy(fake.address) as proxy: {"HTTPS_PROXY": proxy.url}``

    ``asked`` has the hosts that clients wanted to reach.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.asked: list[str] = []
        proxy = self

        class Tunnel(StreamRequestHandler):
            def handle(self) -> None:
                method, host, _ = self.rfile.readline().decode().split()
                while self.rfile.readline().strip():
                    pass
                proxy.asked.append(host)
                if method != "CONNECT":
                    self.wfile.write(b"HTTP/1.1 405 CONNECT it has to be\r\n\r\n")
                    return
                with socket.create_connection(target) as onward:
                    self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                    _splice(self.connection, onward)

        self._server = LocalTcpServer(Tunnel)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _splice(one: socket.socket, other: socket.socket) -> None:
    """Carry everything both ways until one of the two ends it."""
    while True:
        for readable in select.select([one, other], [], [])[0]:
            try:
                if not (data := readable.recv(65536)):
                    return
                (other if readable is one else one).sendall(data)
            except OSError:
                return
