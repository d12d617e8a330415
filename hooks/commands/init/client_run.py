"""The client at this terminal, for the first order, and what becomes of it when that is stopped."""

from __future__ import annotations

import math
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from .... import child_process, output
from ...clients.procfs import beneath

TIME_TO_END = 20.0  # seconds for a client that somebody wants to stop


def run(command: Sequence[str], environ: Mapping[str, str], limit: float = TIME_TO_END) -> int:
    """Run it; gives its exit code. ``limit``: seconds that it has, once it is stopped, to take back what it
    has published; another ^C ends it at once. A ^C has stopped the client as well, and all that it runs: the
    terminal tells every one of them. SIGTERM and SIGHUP may have come to us alone, and are passed on."""
    with _noted(signal.SIGTERM, signal.SIGHUP) as came, child_process.signals_put_off() as deliver:
        process = subprocess.Popen(command, env=environ)
        try:
            status = child_process.wait(process, deliver, math.inf)
            deliver()  # which may be what has ended it
            return status
        except BaseException:
            for number in came:
                _pass_on(number, process.pid)
            output.warning(f"{command[0]} may take {limit:.0f} s to take back its records (^C: at once)")
            try:
                child_process.wait(process, deliver, limit)
            except subprocess.TimeoutExpired:  # the terminal has not stopped it, or it takes no notice
                process.terminate()
            except BaseException:
                process.kill()
            output.warning("what is still published is taken back by the next order, or by: dns01 sweep")
            raise


@contextmanager
def _noted(*numbers: int) -> Iterator[list[int]]:
    """Those of the signals that have come, for which their handlers are called all the same."""
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in numbers}

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        handler = handlers[number]
        if callable(handler):
            handler(number, frame)

    noted = [number for number, handler in handlers.items() if callable(handler)]
    try:
        for number in noted:
            signal.signal(number, note)
        yield came
    finally:
        for number in noted:
            if signal.getsignal(number) is note:  # and not what its handler has put there
                signal.signal(number, handlers[number])


def _pass_on(number: int, pid: int) -> None:
    """To the client and to all that it runs: a shell that is told ends, and leaves its hook at work."""
    for each in [pid, *beneath(pid)]:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each, number)
