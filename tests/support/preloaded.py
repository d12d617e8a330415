"""``dns01`` in processes of their own, which have imported their modules by the time that they start.

What ``dns01 issue`` imports takes several times the computing of what it does against a CA on loopback.
Here one process imports it once, and each run is a fork of that: with its own arguments, variables, output,
signals and end, and with ``dispatch.main``, which the executable calls::

    process = start(["issue"], environ, folder)
    process.kill()
    assert process.wait() == -signal.SIGKILL
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

from checkout import HOOK

PR_SET_PDEATHSIG = 1
MODULES = (
    "dns01.hooks.commands",
    "dns01.hooks.commands.issue",
    "dns01.hooks.dispatch",
    "dns01.hooks.issue.issue_run",
    "dns01.hooks.issue.fleet.section",
    "dns01.providers.rfc2136",
)

_NUMBERS = itertools.count()


class Process:
    """One run, with what tests use of ``subprocess.Popen``. Its files are ``path`` with a suffix each.

    ``keeper``: the process that waits for it, and ends as soon as its exit code is in a file.
    """

    def __init__(self, path: Path, keeper: int, pid: int) -> None:
        self.pid = pid
        self._path = path
        self._keeper = os.pidfd_open(keeper)

    def __del__(self) -> None:
        os.close(self._keeper)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._code() if select.select([self._keeper], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        if not select.select([self._keeper], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self._path), timeout or 0)
        return self._code()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has said on stdout and on stderr, once it has ended."""
        self.wait(timeout)
        return self._path.with_suffix(".out").read_text(), self._path.with_suffix(".err").read_text()

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def _code(self) -> int:
        return int(self._path.with_suffix(".code").read_text())


class _Parent:
    """The process that all runs are forks of. It ends when this one does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"]},
        )
        atexit.register(self._end)

    def start(self, words: Sequence[str], environ: Mapping[str, str], path: Path) -> Process:
        assert self._process.stdin
        assert self._process.stdout
        with (
            self._lock
        ):  # the keeper is not waited for before the next run is asked for: its number is its own
            self._process.stdin.write(json.dumps([[str(HOOK), *words], dict(environ), str(path)]) + "\n")
            self._process.stdin.flush()
            keeper, pid = self._process.stdout.readline().split()
            return Process(path, int(keeper), int(pid))

    def _end(self) -> None:
        self._process.communicate()


@cache
def _parent() -> _Parent:
    return _Parent()


def prepare() -> None:
    """Have it import what runs need. From the main thread: it ends with the thread that starts it."""
    _parent()


def start(words: Sequence[str], environ: Mapping[str, str], folder: Path) -> Process:
    """Run ``dns01`` with these words and variables, and no others; its output goes to files in the folder."""
    folder.mkdir(exist_ok=True)
    return _parent().start(words, environ, folder / str(next(_NUMBERS)))


def _serve() -> None:
    """In the parent of all runs: one for each line of stdin."""
    sys.path[:1] = [str(HOOK.parents[1] / "src")]
    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()  # looking through what is imported would copy its memory
    while line := sys.stdin.readline():
        while _ended_keeper():
            pass
        argv, environ, path = json.loads(line)
        if os.fork():
            continue
        _end_with_parent()
        if pid := os.fork():
            os.write(1, f"{os.getpid()} {pid}\n".encode())
            _, status = os.waitpid(pid, 0)
            Path(path).with_suffix(".code").write_text(str(os.waitstatus_to_exitcode(status)))
            os._exit(0)
        _end_with_parent()
        _run(argv, environ, Path(path))


def _run(argv: Sequence[str], environ: Mapping[str, str], path: Path) -> NoReturn:
    from dns01.hooks import dispatch

    for number, name in enumerate((os.devnull, path.with_suffix(".out"), path.with_suffix(".err"))):
        file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [*argv]
    _leave(dispatch.main())


def _leave(code: int) -> NoReturn:
    """As Python ends a script, but for taking apart what was imported, which is shared with the parent."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _ended_keeper() -> int:
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


if __name__ == "__main__":
    _serve()
