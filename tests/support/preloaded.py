"""``dns01`` forked from a process that has everything imported, with what tests use of ``subprocess.Popen``::

process = start(["issue"], environ, folder)
process.kill()
assert process.wait() == -signal.SIGKILL
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import fork_server
from checkout import HOOK

_NUMBERS = itertools.count()


class Process:
    """One run; its files are ``path`` with a suffix each, as fork_server has them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def pid(self) -> int:
        while not (text := self._read("pid")):
            time.sleep(0.01)
        return int(text)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        code = self._read("code")
        return int(code) if code else None

    def wait(self, timeout: float | None = None) -> int:
        began = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() > began + timeout:
                raise subprocess.TimeoutExpired(str(self._path), timeout)
            time.sleep(0.01)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has said on stdout and on stderr, once it has ended."""
        self.wait(timeout)
        return self._read("out"), self._read("err")

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def _read(self, what: str) -> str:
        path = self._path.with_suffix(f".{what}")
        return path.read_bytes().decode() if path.exists() else ""  # with each CR as it is


def start(words: Sequence[str], environ: Mapping[str, str], folder: Path) -> Process:
    """Run ``dns01`` with these words and variables, and no others; its output goes to files in the folder."""
    folder.mkdir(exist_ok=True)
    path = folder / str(next(_NUMBERS))
    fork_server.start(path, [str(HOOK), *words], environ)
    return Process(path)
