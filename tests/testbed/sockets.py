"""DNS messages in and out at one address: UDP and TCP, in one background thread."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Literal

from . import netns
from .process import TIME_LIMIT

Transport = Literal["udp", "tcp"]
Handler = Callable[[bytes, Transport, str], bytes | None]
"""(message, transport, the client's address) -> the answer, or None to say nothing."""


class Sockets:
    """Hands every message that arrives to ``handle`` and sends back what it returns.

    A TCP connection may carry any number of messages, pipelined or not (RFC 7766 §6.2.1.1).
    Whatever ``handle`` raises is raised again by ``stop``.
    """

    def __init__(self, address: str, port: int, handle: Handler) -> None:
        self._handle = handle
        self._where = (address, port)
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._selector = selectors.DefaultSelector()
        self._bell, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name=f"dns {address}#{port}", daemon=True)
        self._failures: list[Exception] = []
        self.delay = 0.0  # seconds until what is to be sent back is sent

    def start(self) -> None:
        """Returns when both transports can be reached."""
        if self._family == socket.AF_INET6:
            netns.own(self._where[0])
        tcp = socket.create_server(self._where, family=self._family, backlog=128)
        udp = socket.socket(self._family, socket.SOCK_DGRAM)
        udp.bind(self._where)
        self._selector.register(self._stop, selectors.EVENT_READ)
        self._selector.register(udp, selectors.EVENT_READ, lambda: self._datagram(udp))
        self._selector.register(tcp, selectors.EVENT_READ, lambda: self._accept(tcp))
        self._thread.start()

    def stop(self) -> None:
        self._bell.send(b"\0")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self._bell.close()
        if self._failures:
            raise self._failures[0]

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data()

    def _reply(self, message: bytes, over: Transport, client: str) -> bytes | None:
        try:
            return self._handle(message, over, client)
        except Exception as failure:
            self._failures.append(failure)
            return None

    def _datagram(self, udp: socket.socket) -> None:
        message, client = udp.recvfrom(65535)
        reply = self._reply(message, "udp", client[0])
        if reply is not None:
            self._send(lambda: udp.sendto(reply, client))

    def _send(self, send: Callable[[], object]) -> None:
        if not self.delay:
            send()
            return

        def late() -> None:
            with suppress(OSError):  # nobody waits for it any more
                send()

        timer = threading.Timer(self.delay, late)
        timer.daemon = True
        timer.start()

    def _accept(self, tcp: socket.socket) -> None:
        connection, client = tcp.accept()
        connection.settimeout(TIME_LIMIT)
        unread = bytearray()

        def readable() -> None:
            try:
                received = connection.recv(65535)
                unread.extend(received)
                for message in _messages(unread):
                    reply = self._reply(message, "tcp", client[0])
                    if reply is not None:
                        self._send(partial(connection.sendall, struct.pack("!H", len(reply)) + reply))
            except OSError:
                received = b""
            if not received:
                self._selector.unregister(connection)
                connection.close()

        self._selector.register(connection, selectors.EVENT_READ, readable)


def _messages(unread: bytearray) -> list[bytes]:
    """Take the whole messages off the front, each behind its two octets of length (RFC 1035 §4.2.2)."""
    whole = []
    while len(unread) >= 2:
        (length,) = struct.unpack_from("!H", unread)
        if len(unread) < 2 + length:
            break
        whole.append(bytes(unread[2 : 2 + length]))
        del unread[: 2 + length]
    return whole
