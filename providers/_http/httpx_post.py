"""One POST and its answer, by a client of httpx: limited in time and in size."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import httpcore
import httpx

from ...deadline import remaining, within
from .body import HttpResponse, whole

T = TypeVar("T")

ADDRESSES = 4  # of one host that may all be tried in the time of one exchange


def open_client(timeout: float) -> httpx.Client:
    """A client, for ``post``; ``timeout``: seconds for each step. The proxies are those of the
    environment, and SSL_CERT_FILE holds. Raises what ``httpx.Client`` raises."""
    trusted = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    client = httpx.Client(timeout=timeout, headers={"Accept-Encoding": "identity"}, verify=trusted)
    for transport in (client._transport, *client._mounts.values()):
        with suppress(AttributeError):  # httpx has no public way to name the back-end of httpcore
            transport._pool._network_backend = _Backend()  # type: ignore[union-attr]
    return client


def post(client: httpx.Client, url: str, timeout: float, largest: int, **content: Any) -> HttpResponse:
    """Send one request, and give its answer.

    ``timeout``: seconds for all of it; ``largest``: octets of the answer; ``content``: what httpx
    takes besides. Raises UnreadableAnswer, and what httpx raises.
    """
    with within(timeout), client.stream("POST", url, **content) as response:
        encoding = response.headers.get("Content-Encoding", "")
        body = whole(response.iter_raw(), encoding, largest)
        return HttpResponse(response.status_code, response.reason_phrase, response.headers, body)


@cache
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The CAs that httpx trusts where these variables are set so. To read them takes more computing than a
    request does, and each login has a client of its own."""
    return httpx.create_ssl_context()


class _Stream(httpcore.NetworkStream):
    """A connection whose steps have the time that is left of the exchange."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        share = left and left / ADDRESSES
        return _Stream(super().connect_tcp(host, port, share, local_address, socket_options))


def _left(timeout: float | None, too_late: Callable[[str], Exception]) -> float | None:
    """Seconds for the next step. Raises ``too_late``, as httpcore has it."""
    try:
        return remaining(timeout)
    except TimeoutError as error:
        raise too_late(str(error)) from None
