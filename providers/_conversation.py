"""Talking to one name server: over TCP, signed with TSIG (RFC 8945) where there is a key."""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

import dns.exception
import dns.message
import dns.rcode
import dns.tsig
from dns.rdtypes.ANY.TSIG import TSIG

from ..errors import AuthRejected, ClockSkew, ConfigError, ProviderError, Unreachable

TIMEOUT = 3.0  # seconds for the server to take a connection, and for it to go on answering
TRIES = 3
PAUSE = 0.5  # seconds between them
CROWD = 100  # messages under way at once: the buffers on the way hold them and their answers

# To refuse or to fail, a server needs no secret: only these does it say unsigned (RFC 8945 §5.2).
FAILURES = {dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED, dns.rcode.NOTAUTH}

BAD_SIGNATURES = (dns.tsig.BadSignature, dns.tsig.BadKey, dns.tsig.BadAlgorithm, dns.tsig.BadTime)

NO_DNS = "check that a name server listens there, and nothing else"


class Conversation:
    """A name server at ``host``, ``host:port`` or ``[address]:port``, and the key to sign with.

    All goes over TCP: every server has it (RFC 7766), any size fits, and nothing is lost unnoticed.
    Raises ConfigError.
    """

    def __init__(self, server: str, key: dns.tsig.Key | None) -> None:
        self.server = server
        self.address = _read_address(server)
        self.key = key
        self.key_name = key.name.to_text(omit_final_dot=True) if key else ""

    def exchange(self, messages: Sequence[dns.message.Message]) -> list[dns.message.Message]:
        """The answers, in the order of the messages, pipelined over one connection.

        All is sent again when the connection fails, so the messages have to be idempotent.
        Raises Unreachable, AuthRejected, and ProviderError for an answer that cannot be trusted.
        """
        failure = OSError()
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE)
            try:
                return self._exchange_once(messages)
            except socket.gaierror as error:
                raise Unreachable(
                    f"the name server {self.server} has no address ({error.strerror})",
                    "correct RFC2136_NAMESERVER, or give its address there",
                ) from error
            except OSError as error:
                failure = error
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
        with (
            socket.create_connection(self.address, TIMEOUT) as connection,
            connection.makefile("rb") as stream,
        ):
            for start in range(0, len(messages), CROWD):
                crowd = messages[start : start + CROWD]
                connection.sendall(b"".join(message.to_wire(prepend_length=True) for message in crowd))
                for _ in crowd:  # the answers come in any order (RFC 7766 §7)
                    answer = self._receive(stream, waiting)
                    answers[answer.id] = answer
        return [answers[message.id] for message in messages]

    def _receive(self, stream: BinaryIO, waiting: dict[int, dns.message.Message]) -> dns.message.Message:
        """The next answer; its query waits no longer."""
        wire = _read_message(stream)
        try:
            answer = dns.message.from_wire(wire, keyring=False)
            query = waiting.pop(answer.id, None)
            if query is None or not query.is_response(answer):
                raise ProviderError(f"{self.server} answers what was not asked", NO_DNS)
            if self.key:
                self._verify(query, answer, wire)
        except dns.exception.DNSException as error:
            raise ProviderError(
                f"{self.server} answers with something else than DNS: {error}", NO_DNS
            ) from error
        return answer

    def _verify(self, query: dns.message.Message, answer: dns.message.Message, wire: bytes) -> None:
        """Raises AuthRejected if the server does not accept our signature, and ProviderError if
        its own is wrong, late or missing."""
        if answer.tsig is None and answer.rcode() in FAILURES:
            return
        if answer.tsig is not None:
            if answer.tsig[0].error:
                raise self._rejection(answer.tsig[0])
            with suppress(*BAD_SIGNATURES):
                dns.message.from_wire(wire, keyring=self.key, request_mac=query.mac)
                return
        raise ProviderError(
            f"{self.server} answers without a valid signature of the key {self.key_name}",
            "something else may be answering in its place: nothing that it says is believed",
        )

    def _rejection(self, tsig: TSIG) -> AuthRejected:
        match tsig.error:
            case dns.rcode.BADSIG:
                return AuthRejected(
                    f"{self.server} says that the secret of the key {self.key_name} is wrong (BADSIG)",
                    "copy the secret from the server's own key of that name",
                )
            case dns.rcode.BADKEY:
                key = f"{self.key_name} ({tsig.algorithm.to_text(omit_final_dot=True)})"
                return AuthRejected(
                    f"{self.server} does not know the key {key}, or does not let it do this (BADKEY)",
                    "compare name and algorithm with the server's; for Knot, name it in the zone's acl too",
                )
            case dns.rcode.BADTIME:
                return ClockSkew(
                    f"{self.server} and this machine do not agree about the time (BADTIME){_clocks(tsig)}",
                    "set the clock that is wrong (NTP): signatures are good for 5 minutes",
                )
            case error:
                return AuthRejected(
                    f"{self.server} does not accept the signature of the key {self.key_name}"
                    f" ({dns.rcode.to_text(error, tsig=True)})",
                    "its log says why",
                )


def _clocks(tsig: TSIG) -> str:
    """Both clocks: ours when we signed, and the server's, which it may say (RFC 8945 §5.2.3)."""
    if len(tsig.other) != 6:
        return ""
    theirs, ours = int.from_bytes(tsig.other, "big"), tsig.time_signed
    shown = [datetime.fromtimestamp(clock, UTC).strftime("%Y-%m-%d %H:%M:%S") for clock in (theirs, ours)]
    return f": it has {shown[0]}, this machine {shown[1]} UTC, {abs(theirs - ours)} s apart"


def _read_address(text: str) -> tuple[str, int]:
    """A bare IPv6 address may stand without its brackets."""
    bracketed = f"[{text}]" if text.count(":") > 1 and "[" not in text else text
    parts = re.fullmatch(r"(?:\[([^][]+)]|([^][:]+))(?::(\d{1,5}))?", bracketed)
    port = int(parts[3] or 53) if parts else 0
    if not parts or not 0 < port < 65536:
        raise ConfigError(
            f"RFC2136_NAMESERVER: {text!r} is not the address of a name server",
            "write host, host:port, address:port or [IPv6 address]:port",
        )
    return parts[1] or parts[2], port


def _read_message(stream: BinaryIO) -> bytes:
    """One message, behind the two octets of its length (RFC 1035 §4.2.2)."""
    length = stream.read(2)
    wire = stream.read(int.from_bytes(length, "big"))
    if len(length) < 2 or len(wire) < int.from_bytes(length, "big"):
        raise ConnectionError("it closed the connection")
    return wire
