"""A TCP server that says what a test likes, as slowly as it likes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Handle = Callable[[socket.socket, threading.Event], None]


@contextmanager
def serving(handle: Handle, at: socket.socket | None = None) -> Iterator[int]:
    """A TCP server on loopback, or who listens ``at`` another place; gives its port. ``handle`` has one
    connection, and is told when the test is over."""
    over = threading.Event()

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            handle(connection, over)

    def serve() -> None:
        with suppress(OSError):
            while not over.is_set():
                threading.Thread(target=converse, args=[listener.accept()[0]], daemon=True).start()

    with at or socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def saying(first: bytes, then: bytes = b"", every: float = 0.04) -> Handle:
    """``first``, and then ``then`` time and again, ``every`` so many seconds."""

    def handle(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        while not over.wait(every):
            connection.sendall(then)

    return handle
