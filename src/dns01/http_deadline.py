"""Connections of urllib3 that keep to a deadline: what requests and boto3 send goes over them."""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any

from .deadline import remaining

ADDRESSES = 4  # of one host that may all be tried in the time of one exchange


class _LimitedReader(io.RawIOBase):
    """What a socket receives, in the time that is left of the exchange, and ``most`` octets of it."""

    def __init__(self, connection: socket.socket, stream: Any, most: int) -> None:
        self._connection, self._stream, self._left = connection, stream, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(remaining(self._connection.gettimeout()))
        count: int | None = self._stream.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise ConnectionError("its answer has no end")
        return count

    def fileno(self) -> int:
        return self._connection.fileno()

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """Status line, headers and body are read in the time that is left."""

    most = 1 << 30  # octets of an answer as it is sent; who reads the body has a limit of its own

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_LimitedReader(sock, self.fp.detach(), self.most))

    def _read_status(self) -> tuple[str, int, str]:
        """The status line of the answer; ``http.client`` takes any interim one but 100 (103, say) for it
        (RFC 9110 §15.2: there may be several, and all but 101 are followed by the answer)."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class WholeResponse(_Response):
    """A response with a limit of size, for a library that reads the body as a whole."""

    most = 32 << 20


class LimitedConnection:
    """Half of a connection of urllib3, which keeps to ``within`` (deadline.py)."""

    response_class: Any = _Response
    timeout: float | None

    def _new_conn(self) -> socket.socket:
        """A host may have several addresses, each of which is given a share of the time; the same is
        then the time limit of the TLS handshake."""
        left = remaining(self.timeout if isinstance(self.timeout, int | float) else None)
        self.timeout = left and left / ADDRESSES
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        return connection
