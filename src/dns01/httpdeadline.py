"""Connections of urllib3 that keep to a deadline: what requests and boto3 send goes over them."""

from __future__ import annotations

import http.client
import io
import socket
from typing import Any

from .deadline import remaining

ADDRESSES = 4  # of one host that may all be tried in the time of one exchange


class _LimitedReader(io.RawIOBase):
    """What a socket receives, in the time that is left of the exchange."""

    def __init__(self, connection: socket.socket, stream: Any) -> None:
        self._connection, self._stream = connection, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(remaining(self._connection.gettimeout()))
        count: int | None = self._stream.readinto(buffer)
        return count

    def fileno(self) -> int:
        return self._connection.fileno()

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """Status line, headers and body are read in the time that is left."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_LimitedReader(sock, self.fp.detach()))


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
