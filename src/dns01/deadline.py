"""One time limit for a whole exchange over the network: connection, TLS, request and answer.

The time limit of a socket begins anew with every octet that comes, so that a server which sends one
octet a second holds whoever waits for it. Here all steps of an exchange share what is left::

    with within(6.0):
        connection = connect("192.0.2.53", 53)
        connection.sendall(query)
        answer = read(connection, 2)
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class _Deadline(threading.local):
    end = float("inf")  # by time.monotonic()


_this_thread = _Deadline()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit what this thread does in the block to ``seconds`` from now, or to less where a block around it
    says so."""
    outer = _this_thread.end
    _this_thread.end = min(outer, time.monotonic() + seconds)
    try:
        yield
    finally:
        _this_thread.end = outer


def remaining(limit: float | None = None) -> float | None:
    """Seconds that the next step may take, ``limit`` at most; None if there is no limit at all.

    Raises TimeoutError when nothing is left.
    """
    end = _this_thread.end
    if end == float("inf"):
        return limit
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left if limit is None else min(left, limit)


def connect(host: str, port: int) -> socket.socket:
    """A TCP connection to the first of the host's addresses that takes one, each of which has an equal
    share of the time that is left.

    Raises OSError: TimeoutError, ``socket.gaierror`` for a host without an address.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError("it has no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        left = remaining()
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(left and left / (len(addresses) - number))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def read(connection: socket.socket, octets: int) -> bytes:
    """Exactly so many octets. Raises OSError: TimeoutError, ConnectionError if it is closed before."""
    content = bytearray()
    while len(content) < octets:
        connection.settimeout(remaining(connection.gettimeout()))
        piece = connection.recv(octets - len(content))
        if not piece:
            raise ConnectionError("it closed the connection")
        content += piece
    return bytes(content)


def read_line(connection: socket.socket, longest: int) -> bytes:
    """A line with its line feed, and not an octet of what follows. Raises OSError as ``read`` does, and
    ConnectionError for a line of more than ``longest`` octets."""
    line = b""
    while not line.endswith(b"\n"):
        if len(line) >= longest:
            raise ConnectionError("its line has no end")
        line += read(connection, 1)
    return line
