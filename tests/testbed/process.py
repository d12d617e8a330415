"""A real server as a child process: started, waited for, and ended by its own process id."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeVar

TIME_LIMIT = 900.0  # seconds. What takes longer hangs, however busy the machine is.

# Below the ports that the kernel gives to connections (net.ipv4.ip_local_port_range), which may come
# between the look at a port and the server that is to have it.
_PORTS = itertools.count(20_000 + os.getpid() % 100 * 100)

T = TypeVar("T")


class Server:
    """A program that runs in the foreground, in a folder of its own that goes with it.

    A subclass writes its configuration in ``prepare``, which returns the command line, and says
    in ``is_ready`` whether it answers. What it logs is in ``log``, in the exception if it does
    not come up, and on stderr at the end: pytest shows that of a test that failed.
    """

    environment: Mapping[str, str] = MappingProxyType({})

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix=f"{type(self).__name__.lower()}-")
        self.folder = Path(self._temporary.name)
        self._log = self.folder / "log"
        # A child must not outlive a test process that is killed.
        command = ["setpriv", "--pdeathsig", "KILL", *self.prepare()]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **self.environment},
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        print(f"--- {self} said:\n{self.log[-4000:]}", file=sys.stderr)
        self._temporary.cleanup()

    def prepare(self) -> Sequence[str]:
        """Write what it needs into ``self.folder``; the command to run there."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it does its work by now; returns at once."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        """All that it has said so far."""
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self._process.pid

    def _wait(self) -> None:
        deadline = time.monotonic() + TIME_LIMIT
        while not self.is_ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self} ended with {self._process.returncode}:\n{self.log}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self} does not answer after {TIME_LIMIT:.0f} s:\n{self.log}")
            time.sleep(0.01)


class Group:
    """Several servers that are started together, and ended together.

    A subclass starts them in ``set_up`` by ``self.enter(server)``. Where one does not come up, those before
    it are ended at once: one that stays shares its address with the next test's, and answers for it.
    """

    def __enter__(self) -> Self:
        self._entered = ExitStack()
        try:
            self.set_up()
        except BaseException:
            self._entered.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._entered.close()

    def set_up(self) -> None:
        """Start those that are there from the beginning."""

    def enter(self, server: AbstractContextManager[T]) -> T:
        """Start one, now or later, which is ended with the others."""
        return self._entered.enter_context(server)


def free_port(address: str) -> int:
    """A TCP port that nobody listens on; another one at each call."""
    for port in _PORTS:
        with suppress(OSError), socket.create_server((address, port)):
            return port
    raise AssertionError("the numbers have no end")


def is_listening(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False
