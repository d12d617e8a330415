"""DNS over UDP and TCP: many queries to many servers at once, on one selector.

A query goes out as a datagram, after two seconds once more, and then over TCP; a
truncated answer takes it to TCP at once. More than a few queries for one server share one
pipelined TCP connection (RFC 7766 §6.2.1.1), so that nobody's response-rate limiting is tripped;
where there is no TCP, no more than ``DATAGRAMS_PER_SERVER`` datagrams for one server are in flight.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterable

import dns.flags
import dns.message

from ..address import Address, family
from ..message import Query, Response
from ..timing import USUAL, Timing
from .exchange import Exchange
from .tcp_stream import TcpStream

DATAGRAMS_PER_SERVER = 8  # in flight; a batch of more goes over TCP
DATAGRAMS_IN_FLIGHT = 256  # to all servers: each has a socket


class Transport:
    """Sends queries, and gives their responses as they arrive.

    ``with Transport() as transport: transport.send(queries); transport.collect(timeout=1)``
    """

    def __init__(self, timing: Timing = USUAL) -> None:
        self._timing = timing
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[Exchange] = deque()
        self._in_flight: set[Exchange] = set()
        self._streams: dict[Address, TcpStream] = {}
        self._without_tcp: set[Address] = set()
        self._done: list[tuple[Query, Response]] = []

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        for exchange in list(self._in_flight):
            self._release(exchange)
        for stream in list(self._streams.values()):
            self._close(stream)
        self._selector.close()

    @property
    def busy(self) -> bool:
        """Whether any query is still without its response."""
        return bool(
            self._waiting or self._in_flight or self._done or any(s.pending for s in self._streams.values())
        )

    def send(self, queries: Iterable[Query]) -> None:
        """Ask all of these, each for itself; ``collect`` gives exactly one answer to each."""
        batch = [Exchange(query) for query in queries]
        per_server = Counter(exchange.query.server for exchange in batch)
        for exchange in batch:
            server = exchange.query.server
            if exchange.query.stream or (
                per_server[server] > DATAGRAMS_PER_SERVER and server not in self._without_tcp
            ):
                self._pipeline(exchange)
            else:
                self._waiting.append(exchange)
        self._send_waiting()

    def collect(self, timeout: float) -> list[tuple[Query, Response]]:
        """What has been answered: waits for at least one answer, ``timeout`` seconds at most."""
        until = time.monotonic() + timeout
        while not self._done:
            now = time.monotonic()
            if now >= until:
                break
            deadlines = [exchange.deadline for exchange in self._in_flight]
            deadlines += [stream.deadline for stream in self._streams.values()]
            for key, events in self._selector.select(max(0.0, min([until, *deadlines]) - now)):
                if isinstance(key.data, TcpStream):
                    self._serve(key.data, events)
                else:
                    self._receive(key.data)
            self._expire(time.monotonic())
            self._send_waiting()
        done, self._done = self._done, []
        return done

    def ask(self, queries: Iterable[Query], timeout: float) -> dict[Query, Response]:
        """Ask all of these and wait for every answer, ``timeout`` seconds in all."""
        wanted = set(queries)
        self.send(wanted)
        until = time.monotonic() + timeout
        responses: dict[Query, Response] = {}
        while len(responses) < len(wanted) and (left := until - time.monotonic()) > 0:
            responses.update(self.collect(left))
        late = wanted - responses.keys()
        pending = [each for stream in self._streams.values() for each in stream.pending.values()]
        cut = {exchange.query for exchange in pending if exchange.truncated}
        return responses | {query: Response(None, "timed out", truncated=query in cut) for query in late}

    # Datagrams

    def _send_waiting(self) -> None:
        if not self._waiting:
            return
        in_flight = Counter(exchange.query.server for exchange in self._in_flight)
        postponed: deque[Exchange] = deque()
        while self._waiting:
            exchange = self._waiting.popleft()
            server = exchange.query.server
            if in_flight[server] < DATAGRAMS_PER_SERVER and len(self._in_flight) < DATAGRAMS_IN_FLIGHT:
                in_flight[server] += 1
                self._send_datagram(exchange)
            else:
                postponed.append(exchange)
        self._waiting = postponed

    def _send_datagram(self, exchange: Exchange) -> None:
        server = exchange.query.server
        try:
            if exchange.socket is None:
                exchange.socket = socket.socket(family(server), socket.SOCK_DGRAM)
                exchange.socket.setblocking(False)
                exchange.socket.connect(server)
                self._selector.register(exchange.socket, selectors.EVENT_READ, exchange)
            exchange.socket.send(exchange.message.to_wire())
        except OSError as error:
            self._release(exchange)
            if exchange.datagrams:
                self._pipeline(exchange)
            else:
                self._finish(exchange, Response(None, _reason(error)))
            return
        exchange.datagrams += 1
        exchange.deadline = time.monotonic() + self._timing.datagram
        self._in_flight.add(exchange)

    def _receive(self, exchange: Exchange) -> None:
        if exchange not in self._in_flight or exchange.socket is None:
            return
        try:
            octets = exchange.socket.recv(65535)
        except BlockingIOError:
            return
        except OSError:  # an ICMP message says that nobody listens: TCP gets its chance at once
            self._release(exchange)
            self._pipeline(exchange)
            return
        message = exchange.response_in(octets)
        if message is None:  # not the answer to this query: a forger's, or a late one
            return
        self._release(exchange)
        if exchange.ask_again(message):
            exchange.datagrams = 0
            self._send_datagram(exchange)
        elif message.flags & dns.flags.TC:
            exchange.truncated = True
            self._pipeline(exchange)
        else:
            self._finish(exchange, Response(message))

    def _release(self, exchange: Exchange) -> None:
        self._in_flight.discard(exchange)
        if exchange.socket is not None:
            if exchange.socket.fileno() in self._selector.get_map():
                self._selector.unregister(exchange.socket)
            exchange.socket.close()
            exchange.socket = None

    # Streams

    def _pipeline(self, exchange: Exchange) -> None:
        server = exchange.query.server
        stream = self._streams.get(server)
        if stream is None:
            try:
                stream = TcpStream(server, time.monotonic() + self._timing.stream)
            except OSError as error:  # too many files are open
                self._finish(exchange, Response(None, _reason(error)))
                return
            self._streams[server] = stream
        elif not stream.pending:
            stream.deadline = time.monotonic() + self._timing.stream
        stream.add(exchange)
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        if stream.socket in self._selector.get_map():
            self._selector.modify(stream.socket, both, stream)
        else:
            self._selector.register(stream.socket, both, stream)

    def _serve(self, stream: TcpStream, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                stream.unsent = stream.unsent[stream.socket.send(stream.unsent) :]
                if not stream.unsent:
                    self._selector.modify(stream.socket, selectors.EVENT_READ, stream)
            if events & selectors.EVENT_READ:
                octets = stream.socket.recv(65535)
                if not octets:
                    self._lose(stream, "closed the connection")
                    return
                stream.unread += octets
                for message in stream.messages():
                    self._answered(stream, message)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(stream, _reason(error))

    def _answered(self, stream: TcpStream, octets: bytes) -> None:
        exchange = stream.pending.get(struct.unpack_from("!H", octets)[0]) if len(octets) >= 12 else None
        if exchange is None or (message := exchange.response_in(octets)) is None:
            return
        del stream.pending[exchange.message.id]
        stream.answered = True
        stream.deadline = time.monotonic() + self._timing.stream
        if exchange.ask_again(message):
            self._pipeline(exchange)
            return
        fallback = exchange.datagrams > 0 and not exchange.truncated
        self._finish(exchange, Response(message, fallback=fallback))

    def _lose(self, stream: TcpStream, reason: str) -> None:
        """Carry on without this connection: over a new one if it did answer something."""
        self._close(stream)
        if not stream.answered:
            self._without_tcp.add(stream.server)
        for exchange in stream.pending.values():
            if stream.answered:
                self._pipeline(exchange)
            elif exchange.datagrams or exchange.query.stream:
                self._finish(exchange, Response(None, reason))
            else:
                self._waiting.append(exchange)

    def _close(self, stream: TcpStream) -> None:
        self._streams.pop(stream.server, None)
        self._selector.unregister(stream.socket)
        stream.socket.close()

    # Both

    def _expire(self, now: float) -> None:
        for exchange in [exchange for exchange in self._in_flight if exchange.deadline <= now]:
            if exchange.datagrams < 2:
                self._send_datagram(exchange)
            else:
                self._release(exchange)
                self._pipeline(exchange)
        for stream in [stream for stream in self._streams.values() if stream.deadline <= now]:
            if stream.pending:
                self._lose(stream, "timed out")
            else:
                self._close(stream)

    def _finish(self, exchange: Exchange, response: Response) -> None:
        self._done.append((exchange.query, response._replace(truncated=exchange.truncated)))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
