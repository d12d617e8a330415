"""One pipelined TCP connection to a name server (RFC 7766 §6.2.1.1)."""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Iterable

from ..address import Address, family
from .exchange import Exchange


class TcpStream:
    """A TCP connection to one server and the queries that wait for its responses."""

    def __init__(self, server: Address, deadline: float) -> None:
        self.server = server
        self.deadline = deadline
        self.pending: dict[int, Exchange] = {}
        self.unsent = b""
        self.unread = b""
        self.answered = False
        self.socket = socket.socket(family(server), socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.connect_ex(server)

    def add(self, exchange: Exchange) -> None:
        """Queue a query to be sent; it gets another ID where one of the same is under way."""
        while exchange.message.id in self.pending:
            exchange.message.id = secrets.randbelow(1 << 16)
        self.pending[exchange.message.id] = exchange
        octets = exchange.message.to_wire()
        self.unsent += struct.pack("!H", len(octets)) + octets

    def messages(self) -> Iterable[bytes]:
        """The complete messages that have arrived."""
        while len(self.unread) >= 2:
            end = 2 + struct.unpack_from("!H", self.unread)[0]
            if len(self.unread) < end:
                return
            octets, self.unread = self.unread[2:end], self.unread[end:]
            yield octets
