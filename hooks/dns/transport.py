"""Asks many name servers at once: one selector, UDP first, TCP where that is better.

A question goes out as a datagram, after ``RESEND`` seconds once more, and then over TCP; a
truncated answer takes it to TCP at once. More than ``CROWD`` questions for one server share one
pipelined TCP connection (RFC 7766 §6.2.1.1), so that nobody's response-rate limiting is tripped;
where there is no TCP, no more than ``CROWD`` datagrams for one server are in flight.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterable

import dns.exception
import dns.flags
import dns.message

from ... import dnsmessage
from .message import Address, Answer, Question, family

RESEND = 2.0  # seconds until a datagram is given up for lost
STREAM = 3.0  # seconds for a TCP connection to open or to go on answering
CROWD = 8
PAYLOAD = 1232  # octets: what crosses every path unfragmented (DNS flag day 2020)


class _Query:
    """A question on its way."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.message = dns.message.make_query(
            question.name,
            question.rdtype,
            use_edns=0,
            payload=PAYLOAD,
            want_dnssec=question.dnssec,
            flags=(dns.flags.RD if question.recurse else 0) | (dns.flags.CD if question.unchecked else 0),
        )
        self.deadline = 0.0
        self.datagrams = 0
        self.truncated = False
        self.socket: socket.socket | None = None


class _Stream:
    """A TCP connection to one server and the queries that wait for its answers."""

    def __init__(self, server: Address, deadline: float) -> None:
        self.server = server
        self.deadline = deadline
        self.pending: dict[int, _Query] = {}
        self.unsent = b""
        self.unread = b""
        self.answered = False
        self.socket = socket.socket(family(server), socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.connect_ex(server)

    def add(self, query: _Query) -> None:
        while query.message.id in self.pending:
            query.message.id = secrets.randbelow(1 << 16)
        self.pending[query.message.id] = query
        octets = query.message.to_wire()
        self.unsent += struct.pack("!H", len(octets)) + octets

    def messages(self) -> Iterable[bytes]:
        """The complete messages that have arrived."""
        while len(self.unread) >= 2:
            end = 2 + struct.unpack_from("!H", self.unread)[0]
            if len(self.unread) < end:
                return
            octets, self.unread = self.unread[2:end], self.unread[end:]
            yield octets


class Wire:
    """Questions go in with ``send``, answers come out of ``collect`` as they arrive.

    ``with Wire() as wire: wire.send(questions); wire.collect(timeout=1)``
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[_Query] = deque()
        self._flying: set[_Query] = set()
        self._streams: dict[Address, _Stream] = {}
        self._streamless: set[Address] = set()
        self._done: list[tuple[Question, Answer]] = []

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        for query in list(self._flying):
            self._land(query)
        for stream in list(self._streams.values()):
            self._hang_up(stream)
        self._selector.close()

    @property
    def busy(self) -> bool:
        """Whether anything is still to come."""
        return bool(
            self._waiting or self._flying or self._done or any(s.pending for s in self._streams.values())
        )

    def send(self, questions: Iterable[Question]) -> None:
        """Ask all of these, each for itself; ``collect`` gives exactly one answer to each."""
        batch = [_Query(question) for question in questions]
        crowds = Counter(query.question.server for query in batch)
        for query in batch:
            server = query.question.server
            if query.question.stream or (crowds[server] > CROWD and server not in self._streamless):
                self._pipeline(query)
            else:
                self._waiting.append(query)
        self._take_off()

    def collect(self, timeout: float) -> list[tuple[Question, Answer]]:
        """What has been answered: waits for at least one answer, ``timeout`` seconds at most."""
        until = time.monotonic() + timeout
        while not self._done:
            now = time.monotonic()
            if now >= until:
                break
            deadlines = [query.deadline for query in self._flying]
            deadlines += [stream.deadline for stream in self._streams.values()]
            for key, events in self._selector.select(max(0.0, min([until, *deadlines]) - now)):
                if isinstance(key.data, _Stream):
                    self._serve(key.data, events)
                else:
                    self._receive(key.data)
            self._expire(time.monotonic())
            self._take_off()
        done, self._done = self._done, []
        return done

    def ask(self, questions: Iterable[Question], timeout: float) -> dict[Question, Answer]:
        """Ask all of these and wait for every answer, ``timeout`` seconds in all."""
        wanted = set(questions)
        self.send(wanted)
        until = time.monotonic() + timeout
        answers: dict[Question, Answer] = {}
        while len(answers) < len(wanted) and (left := until - time.monotonic()) > 0:
            answers.update(self.collect(left))
        return answers | {question: Answer(None, "timed out") for question in wanted - answers.keys()}

    # Datagrams

    def _take_off(self) -> None:
        flying = Counter(query.question.server for query in self._flying)
        grounded: deque[_Query] = deque()
        while self._waiting:
            query = self._waiting.popleft()
            if flying[query.question.server] < CROWD and len(self._flying) < 256:
                flying[query.question.server] += 1
                self._fly(query)
            else:
                grounded.append(query)
        self._waiting = grounded

    def _fly(self, query: _Query) -> None:
        server = query.question.server
        try:
            if query.socket is None:
                query.socket = socket.socket(family(server), socket.SOCK_DGRAM)
                query.socket.setblocking(False)
                query.socket.connect(server)
                self._selector.register(query.socket, selectors.EVENT_READ, query)
            query.socket.send(query.message.to_wire())
        except OSError as error:
            self._land(query)
            if query.datagrams:
                self._pipeline(query)
            else:
                self._finish(query, Answer(None, _why(error)))
            return
        query.datagrams += 1
        query.deadline = time.monotonic() + RESEND
        self._flying.add(query)

    def _receive(self, query: _Query) -> None:
        if query not in self._flying or query.socket is None:
            return
        try:
            octets = query.socket.recv(65535)
        except BlockingIOError:
            return
        except OSError:  # an ICMP message says that nobody listens: TCP gets its chance at once
            self._land(query)
            self._pipeline(query)
            return
        message = _parse(query, octets)
        if message is None:  # not the answer to this question: a forger's, or a late one
            return
        self._land(query)
        if message.flags & dns.flags.TC:
            query.truncated = True
            self._pipeline(query)
        else:
            self._finish(query, Answer(message))

    def _land(self, query: _Query) -> None:
        self._flying.discard(query)
        if query.socket is not None:
            if query.socket.fileno() in self._selector.get_map():
                self._selector.unregister(query.socket)
            query.socket.close()
            query.socket = None

    # Streams

    def _pipeline(self, query: _Query) -> None:
        server = query.question.server
        stream = self._streams.get(server)
        if stream is None:
            try:
                stream = _Stream(server, time.monotonic() + STREAM)
            except OSError as error:  # too many files are open
                self._finish(query, Answer(None, _why(error)))
                return
            self._streams[server] = stream
        elif not stream.pending:
            stream.deadline = time.monotonic() + STREAM
        stream.add(query)
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        if stream.socket in self._selector.get_map():
            self._selector.modify(stream.socket, both, stream)
        else:
            self._selector.register(stream.socket, both, stream)

    def _serve(self, stream: _Stream, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                stream.unsent = stream.unsent[stream.socket.send(stream.unsent) :]
                if not stream.unsent:
                    self._selector.modify(stream.socket, selectors.EVENT_READ, stream)
            if events & selectors.EVENT_READ:
                octets = stream.socket.recv(65535)
                if not octets:
                    self._lost(stream, "closed the connection")
                    return
                stream.unread += octets
                for message in stream.messages():
                    self._answered(stream, message)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(stream, _why(error))

    def _answered(self, stream: _Stream, octets: bytes) -> None:
        query = stream.pending.get(struct.unpack_from("!H", octets)[0]) if len(octets) >= 12 else None
        if query is None or (message := _parse(query, octets)) is None:
            return
        del stream.pending[query.message.id]
        stream.answered = True
        stream.deadline = time.monotonic() + STREAM
        self._finish(query, Answer(message, fallback=query.datagrams > 0 and not query.truncated))

    def _lost(self, stream: _Stream, why: str) -> None:
        """Carry on without this connection: over a new one if it did answer something."""
        self._hang_up(stream)
        if not stream.answered:
            self._streamless.add(stream.server)
        for query in stream.pending.values():
            if stream.answered:
                self._pipeline(query)
            elif query.datagrams or query.question.stream:
                self._finish(query, Answer(None, why))
            else:
                self._waiting.append(query)

    def _hang_up(self, stream: _Stream) -> None:
        self._streams.pop(stream.server, None)
        self._selector.unregister(stream.socket)
        stream.socket.close()

    # Both

    def _expire(self, now: float) -> None:
        for query in [query for query in self._flying if query.deadline <= now]:
            if query.datagrams < 2:
                self._fly(query)
            else:
                self._land(query)
                self._pipeline(query)
        for stream in [stream for stream in self._streams.values() if stream.deadline <= now]:
            if stream.pending:
                self._lost(stream, "timed out")
            else:
                self._hang_up(stream)

    def _finish(self, query: _Query, answer: Answer) -> None:
        self._done.append((query.question, answer))


def _parse(query: _Query, octets: bytes) -> dns.message.Message | None:
    try:
        message = dnsmessage.parse(octets, ignore_trailing=True, raise_on_truncation=True)
    except dns.message.Truncated as error:
        message = error.message()  # type: ignore[no-untyped-call]
    except (dns.exception.DNSException, ValueError):
        return None
    return message if query.message.is_response(message) else None


def _why(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
