"""The standalone provider in a folder of its own, with whatever server processes it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.message
import dns.query
from testbed import TIME_LIMIT
from testbed.process import free_port

from dns01.providers.base import TxtRecord, Zone
from dns01.providers.standalone import Provider

NAME = "_acme-challenge.example.org"
ZONE = Zone(NAME)
MODULE = "dns01.providers._standalone"


class Embedded:
    """One configuration of the provider: at 127.0.0.1 and a free port unless told otherwise."""

    def __init__(self, folder: Path, address: str = "127.0.0.1", port: int = 0, ns: str = "") -> None:
        self.folder = folder
        self.address = address
        self.port = port or free_port("127.0.0.1")
        self.ns = ns

    @property
    def options(self) -> dict[str, str]:
        return {"address": self.address, "port": str(self.port), "ns": self.ns, "dir": str(self.folder)}

    def provider(self) -> Provider:
        return Provider(self.options)

    def publish(self, *values: str, name: str = NAME, ttl: int = 60) -> None:
        self.provider().publish(Zone(name), [TxtRecord(name, value, ttl) for value in values])

    def retract(self, *values: str, name: str = NAME) -> None:
        self.provider().retract(Zone(name), [TxtRecord(name, value) for value in values])

    def ask(
        self, name: str, rdtype: str = "TXT", *, over: str = "udp", address: str = "127.0.0.1", **query: Any
    ) -> dns.message.Message:
        """The server's answer, over ``udp`` or ``tcp``."""
        send = dns.query.tcp if over == "tcp" else dns.query.udp
        return send(
            dns.message.make_query(name, rdtype, **query), address, timeout=TIME_LIMIT, port=self.port
        )

    def texts(self, name: str = NAME) -> set[str]:
        """The TXT values that the world sees. Over TCP, where it is clear at once that nobody listens."""
        try:
            response = self.ask(name, over="tcp")
        except (ConnectionError, EOFError):
            return set()
        return {rdata.to_text().strip('"') for rrset in response.answer for rdata in rrset}

    def script(self, *lines: str) -> list[str]:
        """The command for another process, which has ``provider`` and ``zone``."""
        start = (
            "from dns01.providers.base import TxtRecord, Zone",
            "from dns01.providers.standalone import Provider",
            f"provider, zone = Provider({self.options!r}), Zone({NAME!r})",
        )
        return [sys.executable, "-c", "\n".join([*start, *lines])]

    def start_with(self, *changes: str) -> None:
        """Start the server by hand, with its module ``server`` changed."""
        settings = [self.address, str(self.port), self.ns, str(self.folder / "socket")]
        lines = (
            "import sys",
            f"from {MODULE} import __main__, server",
            *changes,
            f"sys.argv[1:] = {settings!r}",
            "__main__.main()",
        )
        self.folder.mkdir(mode=0o700)
        subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, timeout=TIME_LIMIT)

    def pids(self) -> list[int]:
        """The server processes that live."""
        path = str(self.folder / "socket").encode()
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and path in command_line(pid)]

    def pid(self) -> int:
        (pid,) = self.pids()
        return pid

    def has_ended(self) -> bool:
        """Whether no server is left; it is given time."""
        return comes_true(lambda: not self.pids())

    def kill(self) -> None:
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        assert self.has_ended()


def command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it has ended since


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + TIME_LIMIT
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
