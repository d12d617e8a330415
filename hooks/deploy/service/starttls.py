"""How a client asks for TLS in protocols that begin without it, up to the handshake.

Each dialect reads no octet more than the server's consent: what comes before TLS is nobody's word
(RFC 3207 §4.2, RFC 9051 §6.2.1).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ....deadline import read, read_line

LONGEST_LINE = 8192  # octets of a line, or of an answer in BER
MOST_LINES = 100  # lines of an answer

POSTGRES_SSL = struct.pack("!II", 8, 80877103)  # SSLRequest, PostgreSQL's documentation §53.7
# ExtendedRequest, message 1, of that OID (RFC 4511 §4.14.1)
LDAP_STARTTLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
SEQUENCE, INTEGER, ENUMERATED, EXTENDED_RESPONSE = 0x30, 0x02, 0x0A, 0x78


class StartTlsRefused(Exception):
    """The server does not want to speak TLS; the message is what it said."""


class Dialect(NamedTuple):
    """A protocol: where it is spoken, and how a client asks for TLS."""

    port: int
    ask: Callable[[socket.socket], None]


def smtp(connection: socket.socket) -> None:
    """RFC 3207."""
    lines = _Lines(connection)
    lines.expect("220")
    address = connection.getsockname()[0]
    lines.send(f"EHLO [{'IPv6:' if ':' in address else ''}{address}]")  # RFC 5321 §4.1.3: without a name
    _, *keywords = lines.expect("250")
    if "STARTTLS" not in (keyword[4:].strip().upper() for keyword in keywords):
        raise StartTlsRefused("it does not offer STARTTLS")
    lines.send("STARTTLS")
    lines.expect("220")


def imap(connection: socket.socket) -> None:
    """RFC 9051 §6.2.1."""
    lines = _Lines(connection)
    if not (greeting := lines.read()).upper().startswith("* OK"):
        raise StartTlsRefused(greeting)
    lines.send("a STARTTLS")
    for _ in range(MOST_LINES):
        if not (line := lines.read()).startswith("* "):
            break
    if not line.upper().startswith("A OK"):
        raise StartTlsRefused(line)


def pop3(connection: socket.socket) -> None:
    """RFC 2595 §4."""
    lines = _Lines(connection)
    for command in ("", "STLS"):
        if command:
            lines.send(command)
        if not (line := lines.read()).upper().startswith("+OK"):
            raise StartTlsRefused(line)


def ldap(connection: socket.socket) -> None:
    """RFC 4511 §4.14."""
    connection.sendall(LDAP_STARTTLS)
    tag, message = _element(connection)
    (first, _), (second, response), *_ = [*_elements(message), (0, b""), (0, b"")]
    if (tag, first, second) != (SEQUENCE, INTEGER, EXTENDED_RESPONSE):
        raise StartTlsRefused("its answer is not LDAP's")
    (kind, code), *_ = [*_elements(response), (0, b"")]
    if kind != ENUMERATED or any(code):
        raise StartTlsRefused(f"LDAP result {int.from_bytes(code)}")


def postgres(connection: socket.socket) -> None:
    """One octet for an answer: S, or N where ssl is off."""
    connection.sendall(POSTGRES_SSL)
    if (answer := _octets(connection, 1)) != b"S":
        raise StartTlsRefused("ssl is off there" if answer == b"N" else "its answer is not PostgreSQL's")


DIALECTS: Mapping[str, Dialect] = {
    "smtp": Dialect(25, smtp),
    "imap": Dialect(143, imap),
    "pop3": Dialect(110, pop3),
    "ldap": Dialect(389, ldap),
    "postgres": Dialect(5432, postgres),
}


class _Lines:
    """Lines that end with CRLF."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, line: str) -> None:
        self._connection.sendall(f"{line}\r\n".encode())

    def read(self) -> str:
        try:
            return read_line(self._connection, LONGEST_LINE).decode("ascii", "replace").rstrip()
        except ConnectionError as error:
            raise StartTlsRefused(str(error)) from None

    def expect(self, code: str) -> list[str]:
        """The lines of an answer of SMTP's with that code."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            lines.append(self.read())
            if not lines[-1].startswith(code) or len(lines) > MOST_LINES:
                raise StartTlsRefused(lines[-1])
        return lines


def _octets(connection: socket.socket, count: int) -> bytes:
    try:
        return read(connection, count)
    except ConnectionError as error:
        raise StartTlsRefused(str(error)) from None


def _element(connection: socket.socket) -> tuple[int, bytes]:
    """The tag and the content of what comes in BER (X.690 §8.1)."""
    tag, length = _octets(connection, 2)
    if length > 0x80:
        length = int.from_bytes(_octets(connection, length - 0x80))
    if length > LONGEST_LINE:
        raise StartTlsRefused("its answer has no end")
    return tag, _octets(connection, length)


def _elements(content: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents of what follows one another in BER; what is cut off is left out."""
    found = []
    while len(content) >= 2:
        tag, length, start = content[0], content[1], 2
        if length > 0x80:
            start += length - 0x80
            length = int.from_bytes(content[2:start])
        found.append((tag, content[start : start + length]))
        content = content[start + length :]
    return found
