"""One request and its answer, by a session of requests: limited in time and in size.

``requests`` has a time limit for each octet, and none for the size of what is uncompressed.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from ... import __version__
from ...deadline import remaining, within
from .body import Response, whole

PIECE = 65536  # octets read at once
ADDRESSES = 4  # of one host that may all be tried in the time of one exchange


def open_session() -> requests.Session:
    """A session, for ``exchange``. SSL_CERT_FILE holds, as it does for OpenSSL."""
    session = requests.Session()
    session.headers.update(
        {"User-Agent": f"dns01/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}
    )
    session.verify = os.environ.get("SSL_CERT_FILE") or True
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


def exchange(
    session: requests.Session, method: str, url: str, timeout: float, largest: int, **content: Any
) -> Response:
    """Send one request, and give its answer; a redirection is an answer like any other.

    ``timeout``: seconds for all of it, once the host's address is known; ``largest``: octets of the
    answer, uncompressed; ``content``: what ``requests`` takes besides. Raises
    UnreadableAnswer, and what ``requests`` raises.
    """
    with (
        within(timeout),
        closing(
            session.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **content)
        ) as response,
    ):
        encoding = response.headers.get("Content-Encoding", "")
        try:
            body = whole(_pieces(response.raw), encoding, largest)
        except urllib3.exceptions.TimeoutError as error:
            raise requests.exceptions.ReadTimeout(error) from None
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ChunkedEncodingError(error) from None
        return Response(response.status_code, response.reason or "", response.headers, body)


def _pieces(raw: Any) -> Iterator[bytes]:
    """The body as it comes, compressed or not."""
    while piece := raw.read(PIECE, decode_content=False):
        yield piece


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


class _Plain(LimitedConnection, HTTPConnection):
    pass


class _Secure(LimitedConnection, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(*args, **more)
        manager.pool_classes_by_scheme = POOLS
        return manager
