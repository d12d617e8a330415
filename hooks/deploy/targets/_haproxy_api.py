"""HAProxy's runtime API: one command for each connection, and the certificates that it has in memory.

https://docs.haproxy.org/2.6/management.html#9.3. A HAProxy has one transaction at a time, whichever
certificate it is about; version 2.6 writes what is set for another into the one that is open.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from typing import NamedTuple

from ....errors import DeployError
from ....output import printable
from ..service.served_certificate import service

LARGEST_ANSWER = 1 << 22  # octets of an answer: a list of certificates has some 100 for each
CHUNK = 1 << 16

_SERIAL = re.compile(r"^Serial: ([0-9A-F]{1,40})$", re.MULTILINE)
_SHA1 = re.compile(r"^SHA1 FingerPrint: ([0-9A-F]{40})$", re.MULTILINE)


class HaproxyCertificate(NamedTuple):
    """A certificate in HAProxy's memory. ``sha1``: its fingerprint in upper-case hex; empty for an entry with
    nothing in it, and where its key is of a kind that version 2.6 serves and has no word for (Ed25519): then
    ``serial`` tells what it is. ``used``: whether something serves it."""

    sha1: str
    used: bool
    serial: int | None = None

    def holds(self, pem: bytes) -> bool:
        """Whether it is the first certificate of the PEM."""
        from cryptography.hazmat.primitives.hashes import SHA1
        from cryptography.x509 import load_pem_x509_certificate

        try:
            certificate = load_pem_x509_certificate(pem)
        except ValueError:
            return False
        if not self.sha1:
            return self.serial == certificate.serial_number
        return self.sha1 == certificate.fingerprint(SHA1()).hex().upper()


class Runtime:
    """The API at a UNIX socket's path, or at HOST:PORT. Everything raises DeployError."""

    def __init__(self, where: str, limit: float) -> None:
        """``limit``: seconds for one command with all of its answer. Raises ConfigError."""
        self._where = where
        self._limit = limit
        self._tcp = None if where.startswith("/") else service(where)

    def check_level(self) -> None:
        """Refuse a socket that may not change anything."""
        if (level := self._ask("show cli level")) in ("user", "operator"):
            raise DeployError(
                f"{self._where} has the level {level}, which may not change a certificate",
                f"in HAProxy's global section: stats socket {self._where} mode 600 level admin",
            )

    def show(self, name: str) -> HaproxyCertificate | None:
        """The certificate of that name; None where HAProxy has none."""
        answer = self._ask(f"show ssl cert {name}")
        if not answer.startswith("Filename: "):
            if "Not found" in answer:
                return None
            raise self._refused(f"does not show {name}", answer)
        sha1, serial = _SHA1.search(answer), _SERIAL.search(answer)
        return HaproxyCertificate(
            sha1[1] if sha1 else "", "\nStatus: Used" in answer, int(serial[1], 16) if serial else None
        )

    def replace(self, name: str, pem: str) -> None:
        """Put a certificate with its key in the place of the one of that name, in one transaction."""
        self._close_transaction(name)
        try:
            payload = "\n".join(line for line in map(str.strip, pem.splitlines()) if line)
            answer = self._ask(f"set ssl cert {name} <<", f"{payload}\n\n")
            if answer not in (
                f"Transaction {what} for certificate {name}!" for what in ("created", "updated")
            ):
                raise self._refused(f"does not take the certificate for {name}", answer)
            answer = self._ask(f"commit ssl cert {name}")
            if not answer.endswith("Success!"):
                raise self._refused(f"does not commit the certificate for {name}", answer)
        except DeployError:
            with suppress(DeployError):
                self._ask(f"abort ssl cert {name}")
            raise

    def create(self, name: str) -> None:
        """Make an entry of that name, with nothing in it."""
        self._expect(f"new ssl cert {name}", "New empty certificate store")

    def add(self, crt_list: str, name: str) -> None:
        """Add the certificate to the crt-list or the folder, so that what reads that serves it."""
        self._expect(f"add ssl crt-list {crt_list} {name}", "Success!")

    def remove(self, crt_list: str, name: str) -> None:
        """Remove the certificate from the crt-list, and from the memory."""
        self._ask(f"del ssl crt-list {crt_list} {name}")
        self._expect(f"del ssl cert {name}", "deleted!")

    def _close_transaction(self, name: str) -> None:
        """Abort one of this name, which a process has left that was killed; refuse to touch any other."""
        open_now = re.search(r"^\*(.+)$", self._ask("show ssl cert"), re.MULTILINE)
        if not open_now:
            return
        if open_now[1] != name:
            raise DeployError(
                f"HAProxy at {self._where} has a transaction open for {open_now[1]}, and takes one at a time",
                f"if nobody is at work on it: abort ssl cert {open_now[1]}",
            )
        self._ask(f"abort ssl cert {name}")

    def _expect(self, command: str, success: str) -> None:
        answer = self._ask(command)
        if success not in answer:
            raise self._refused(f"does not do `{command}`", answer)

    def _refused(self, what: str, answer: str) -> DeployError:
        hint = "see its log, and what it has: show ssl cert"
        if answer == "Permission denied":
            hint = f"in HAProxy's global section: stats socket {self._where} mode 600 level admin"
        elif not answer:
            hint = (
                "see whether it is larger than tune.bufsize (16384 octets where nothing is said): raise that"
            )
        text = " | ".join(line for line in answer.splitlines() if line) or "nothing"
        return DeployError(f"HAProxy at {self._where} {what}: {text[:400]}", hint)

    def _ask(self, command: str, payload: str = "") -> str:
        """The answer without the empty lines around it, harmless on a terminal."""
        end = time.monotonic() + self._limit
        try:
            with self._connected() as connection:
                connection.sendall(f"{command}\n{payload}".encode())
                answer = bytearray()
                while len(answer) <= LARGEST_ANSWER:
                    connection.settimeout(max(end - time.monotonic(), 0.001))
                    if not (chunk := connection.recv(CHUNK)):
                        return printable(answer.decode(errors="replace")).strip()
                    answer += chunk
        except OSError as error:
            if payload and isinstance(error, ConnectionError):
                return ""  # what it does to a command that is larger than its buffer
            raise DeployError(
                f"HAProxy at {self._where} does not answer: {error.strerror or error}",
                "see that it runs, and that its global section has: "
                f"stats socket {self._where} mode 600 level admin",
            ) from None
        raise DeployError(
            f"HAProxy at {self._where} says more than {LARGEST_ANSWER >> 20} MiB", "see what listens there"
        )

    def _connected(self) -> socket.socket:
        if self._tcp:
            return socket.create_connection((self._tcp.host, self._tcp.port), self._limit)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(self._limit)
            connection.connect(self._where)
        except BaseException:
            connection.close()
            raise
        return connection
