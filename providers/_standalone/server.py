"""The loop of the embedded name server: queries over UDP and TCP, orders over a Unix socket.

On the Unix socket each caller sends one JSON line and gets one back, empty or with an
``error`` and a ``hint``::

    {"do": "hold", "settings": [ADDRESSES, PORT, NS], "zones": [APEX…]}
    {"do": "publish", "settings": …, "zones": …, "records": [[NAME, VALUE, TTL]…]}
    {"do": "retract", "records": [[NAME, VALUE, TTL]…]}

The line of a ``hold`` stays open: its caller is about to publish. The server ends when nothing is
published and no line is open; and an hour after the last hold or publish, whatever happens.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import dns.exception

from .zones import Zones

IDLE = 3600.0  # seconds after the last hold or publish
TCP_IDLE = 10.0  # seconds that a connection may take for its next query (RFC 7766 §6.2.3)
TCP_CONNECTIONS = 64


class CommandRefused(Exception):
    """Two arguments: why an order is not obeyed, and what to do about it."""


class Sockets(NamedTuple):
    """Everything that the server listens on."""

    udp: list[socket.socket]
    tcp: list[socket.socket]
    control: socket.socket


class TcpConnection:
    """A TCP connection: what has come in, what has yet to go out, and its patience."""

    def __init__(self) -> None:
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.deadline = time.monotonic() + TCP_IDLE

    def query(self) -> bytes | None:
        """Take the next whole message out of the inbox (RFC 1035 §4.2.2)."""
        end = 2 + int.from_bytes(self.inbox[:2], "big")
        if len(self.inbox) < end:
            return None
        wire = bytes(self.inbox[2:end])
        del self.inbox[:end]
        self.deadline = time.monotonic() + TCP_IDLE
        return wire


class ChallengeServer:
    """One thread and one selector: whoever is slow makes nobody else wait."""

    def __init__(self, sockets: Sockets, zones: Zones, settings: list[str]) -> None:
        self._sockets = sockets
        self._zones = zones
        self._settings = settings
        self._selector = selectors.DefaultSelector()
        self._streams: dict[socket.socket, TcpConnection] = {}  # the one idle for longest first
        self._lines: dict[socket.socket, bytearray] = {}  # the callers on the Unix socket
        self._called = False
        self._deadline = time.monotonic() + IDLE

    def run(self) -> None:
        """Serve until there is nothing left to serve."""
        for sock in self._sockets.udp:
            self._watch(sock, self._datagram)
        for sock in self._sockets.tcp:
            self._watch(sock, self._accept)
        self._watch(self._sockets.control, self._callers)
        while not self._over():
            wait = self._deadline - time.monotonic()
            for key, _ in self._selector.select(min(wait, 1) if self._streams else wait):
                key.data(key.fileobj)
            self._drop_idle()
        # The Unix socket last: whoever finds nobody there must find the port free.
        for sock in (*self._sockets.udp, *self._sockets.tcp, *self._streams, self._sockets.control):
            sock.close()

    def _over(self) -> bool:
        if time.monotonic() >= self._deadline:
            return True
        if self._lines or not self._called or not self._zones.empty:
            return False
        self._callers(self._sockets.control)  # somebody may have come this very moment
        return not self._lines

    def _watch(self, sock: socket.socket, handler: Callable[[socket.socket], None]) -> None:
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, handler)

    def _close(self, sock: socket.socket) -> None:
        self._streams.pop(sock, None)
        self._lines.pop(sock, None)
        self._selector.unregister(sock)
        sock.close()

    # DNS

    def _datagram(self, sock: socket.socket) -> None:
        try:
            wire, ancillary, _, peer = sock.recvmsg(65535, 128)
            if reply := self._zones.answer(wire, udp=True):
                sock.sendmsg([reply], [_from_there(*each) for each in ancillary], 0, peer)
        except OSError:
            pass  # a datagram may get lost anywhere: this one did here

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # the client has left already
        if len(self._streams) >= TCP_CONNECTIONS:
            self._close(next(iter(self._streams)))
        self._streams[sock] = TcpConnection()
        self._watch(sock, self._stream)

    def _stream(self, sock: socket.socket) -> None:
        stream = self._streams.get(sock)
        if stream is None:
            return  # hung up on a moment ago
        try:
            alive = self._move(sock, stream)
        except BlockingIOError:
            return
        except OSError:
            alive = False
        if not alive:
            self._close(sock)
            return
        while (wire := stream.query()) is not None:
            self._streams[sock] = self._streams.pop(sock)
            if reply := self._zones.answer(wire, udp=False):
                stream.outbox += struct.pack("!H", len(reply)) + reply
        events = selectors.EVENT_WRITE if stream.outbox else selectors.EVENT_READ
        self._selector.modify(sock, events, self._stream)

    @staticmethod
    def _move(sock: socket.socket, stream: TcpConnection) -> bool:
        """Send, or else receive: nobody's queries pile up while the answers are not fetched."""
        if stream.outbox:
            del stream.outbox[: sock.send(stream.outbox)]
            return True
        data = sock.recv(4096)
        stream.inbox += data
        return bool(data)

    def _drop_idle(self) -> None:
        now = time.monotonic()
        for sock in [sock for sock, stream in self._streams.items() if stream.deadline <= now]:
            self._close(sock)

    # The Unix socket

    def _callers(self, control: socket.socket) -> None:
        while True:
            try:
                sock, _ = control.accept()
            except OSError:
                return  # that was the last one
            self._called = True
            self._lines[sock] = bytearray()
            self._watch(sock, self._line)

    def _line(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(1 << 16)
            self._lines[sock] += data
            if data and not data.endswith(b"\n"):
                return
            stays = bool(data) and self._reply(sock, bytes(self._lines[sock]))
        except OSError:
            stays = False
        if not stays:
            self._close(sock)

    def _reply(self, sock: socket.socket, line: bytes) -> bool:
        """Obey, and only then say so. Whether the caller's line stays open."""
        order = json.loads(line)
        refusal = {}
        try:
            self._obey(order)
        except CommandRefused as error:
            refusal = dict(zip(("error", "hint"), error.args, strict=True))
        except dns.exception.DNSException as error:
            refusal = {"error": f"not a domain name: {error}", "hint": "see the name of the challenge"}
        sock.send(json.dumps(refusal).encode() + b"\n")
        self._lines[sock].clear()
        return order["do"] == "hold" and not refusal

    def _obey(self, order: dict[str, Any]) -> None:
        if order["do"] == "retract":
            self._zones.retract(order["records"])
            return
        if order["settings"] != self._settings:
            address, port, ns = self._settings
            raise CommandRefused(
                f"one runs here already, with address {address}, port {port} and NS name {ns or 'unset'}",
                "let the order that it serves end; where that one's client is gone, `dns01 sweep` takes back"
                " its records and ends it; or set STANDALONE_DIR for a second one",
            )
        self._zones.hold(order["zones"])
        self._zones.publish(order.get("records", ()))
        self._deadline = time.monotonic() + IDLE


def _from_there(level: int, kind: int, data: bytes) -> tuple[int, int, bytes]:
    """Ancillary data that makes the reply leave from the address that was asked.

    A socket bound to the wildcard address would take that of the route back, and the client
    would not know the reply as one (RFC 2181 §4). The interface is left to the route.
    """
    if level == socket.IPPROTO_IP:  # struct in_pktinfo: interface, local address, destination
        return level, kind, struct.pack("@i4s4s", 0, data[4:8], bytes(4))
    return level, kind, struct.pack("@16sI", data[:16], 0)  # struct in6_pktinfo
