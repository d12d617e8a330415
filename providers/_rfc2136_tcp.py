"""DNS messages to one name server, over TCP (RFC 7766)."""

from __future__ import annotations

import random
import re
import socket
import struct
import time
from collections.abc import Callable, Sequence

import dns.exception
import dns.message
import dns.tsig

from .. import dns_message
from ..deadline import connect, read, within
from ..errors import ConfigError, ProviderError, Unreachable
from ..secret import shown
from ._rfc2136_tsig import key_name, verify

CONNECT_TIMEOUT = 3.0  # seconds for the server to take a connection, and then for it to say anything at all
EXCHANGE_TIMEOUT = 10.0  # seconds for all answers of one connection, and...
MESSAGE_TIMEOUT = 0.1  # ... as many more for each message
CONNECT_TRIES = 3  # of a connection that is lost, or never made
RETRY_INTERVAL = 0.5  # seconds between them
PIPELINED = 100  # messages under way at once: the buffers on the way hold them and their answers

NO_DNS = "check that a name server listens there, and nothing else"


class DnsTcpSession:
    """A name server at ``host``, ``host:port`` or ``[address]:port``, and the key to sign with.

    All goes over TCP: every server has it (RFC 7766), any size fits, and nothing is lost unnoticed.
    Raises ConfigError.
    """

    timeout: float = CONNECT_TIMEOUT
    limit: float = EXCHANGE_TIMEOUT
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self, server: str, key: dns.tsig.Key | None) -> None:
        self.server = server
        self.address = read_address(server)
        self.key = key
        self.key_name = key_name(key) if key else ""
        self.is_key_known = False  # to the server: it has answered with a signature of this key

    def exchange(self, messages: Sequence[dns.message.Message]) -> list[dns.message.Message]:
        """The answers, in the order of the messages, pipelined over one connection.

        All is sent again when the connection fails, so the messages have to be idempotent. However
        slowly the server answers, it has no more than a limited time for all of it.
        Raises Unreachable, AuthRejected, and ProviderError for an answer that cannot be trusted.
        """
        failure = OSError()
        for attempt in range(CONNECT_TRIES):
            if attempt:
                self.sleep(RETRY_INTERVAL)
            try:
                return self._exchange_once(messages)
            except socket.gaierror as error:
                failure = error
                if error.errno != socket.EAI_AGAIN:
                    raise Unreachable(
                        f"the name server {self.server} has no address ({error.strerror})",
                        "correct RFC2136_NAMESERVER, or give its address there",
                    ) from error
            except OSError as error:
                failure = error
        if isinstance(failure, socket.gaierror):
            raise Unreachable(
                f"this machine's resolver does not tell the address of {self.server} ({failure.strerror})",
                "see that what /etc/resolv.conf names answers, or give the address in RFC2136_NAMESERVER",
            ) from failure
        raise Unreachable(
            f"{self.server} does not answer over TCP: {failure.strerror or failure}",
            "check that the name server runs there, and that TCP gets through to it as well as UDP",
        ) from failure

    def _exchange_once(self, messages: Sequence[dns.message.Message]) -> list[dns.message.Message]:
        for message, id in zip(messages, random.sample(range(65536), len(messages)), strict=True):
            message.id = id
            if self.key:
                message.use_tsig(self.key)
        waiting = {message.id: message for message in messages}
        answers = {}
        with within(self.limit + MESSAGE_TIMEOUT * len(messages)), self._connected() as connection:
            for start in range(0, len(messages), PIPELINED):
                pipelined = messages[start : start + PIPELINED]
                connection.sendall(b"".join(message.to_wire(prepend_length=True) for message in pipelined))
                for _ in pipelined:  # the answers come in any order (RFC 7766 §7)
                    answer = self._receive(connection, waiting)
                    answers[answer.id] = answer
        return [answers[message.id] for message in messages]

    def _connected(self) -> socket.socket:
        with within(self.timeout):
            connection = connect(*self.address)
        connection.settimeout(self.timeout)
        return connection

    def _receive(
        self, connection: socket.socket, waiting: dict[int, dns.message.Message]
    ) -> dns.message.Message:
        """The next answer; its query waits no longer."""
        wire = read(connection, int.from_bytes(read(connection, 2), "big"))  # RFC 1035 §4.2.2
        try:
            answer = dns_message.parse(wire, keyring=False)
            query = waiting.pop(answer.id, None)
            if query is None or not query.is_response(answer):
                raise ProviderError(f"{self.server} answers what was not asked", NO_DNS)
            if self.key and verify(self.server, self.key, query, answer, wire):
                self.is_key_known = True
        except (dns.exception.DNSException, ValueError, LookupError, struct.error) as error:
            raise ProviderError(
                f"{self.server} answers with something else than DNS: {error}", NO_DNS
            ) from error
        return answer


def read_address(text: str) -> tuple[str, int]:
    """The host, or its address, and the port (53 if none is given), also as dig has it (``192.0.2.53#53``).
    A bare IPv6 address may stand without its brackets. Raises ConfigError."""
    if numbered := re.fullmatch(r"([^][#]+)#(\d+)", text):
        host, number = numbered.groups()
        text = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    bracketed = f"[{text}]" if text.count(":") > 1 and "[" not in text else text
    parts = re.fullmatch(r"(?:\[([^][]+)]|([^][:]+))(?::(\d{1,5}))?", bracketed)
    port = int(parts[3] or 53) if parts else 0
    if not parts or not 0 < port < 65536 or re.search(r"[+/=\s]", text):
        raise ConfigError(
            f"RFC2136_NAMESERVER: {shown(text)} is not the address of a name server",
            "write host, host:port, address:port or [IPv6 address]:port",
        )
    return parts[1] or parts[2], port
