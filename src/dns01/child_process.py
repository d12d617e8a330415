"""Run another program with a limit of time and of output; what it prints is made harmless."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from types import FrameType
from typing import IO, NamedTuple, cast

from .errors import ProviderError, Unreachable
from .output import printable
from .secret import SECRETIVE, hide, redact

LINES = 8  # of what it said last
LENGTH = 800  # characters
TAIL = 1 << 16  # octets at the end of what it said that are looked at
MOST_SAID = 64 << 20  # octets, on the disk: one that says more has no end
END_TIMEOUT = 1.0  # seconds in which a program ends that has printed all that is wanted of it
POLL_INTERVAL = 0.2  # seconds between two looks whether a program has ended, or a signal has come


def run(
    command: Sequence[str], environ: Mapping[str, str], limit: float, doing: str, given: str = ""
) -> None:
    """Have the program do what ``doing`` says, within ``limit`` seconds, or else raise
    ProviderError with the last that it said. ``given``: its standard input. Its output never reaches
    our own: an ACME client reads that. Secrets in ``environ`` are hidden from then on."""
    for name, value in environ.items():
        if SECRETIVE.search(name) and not name.startswith("DNS01_"):  # where ours say key, it is a path
            hide(value)
    doing = redact(doing)
    # Files and no pipes, which would be waited for as long as any process that it leaves is alive.
    with TemporaryFile() as output, TemporaryFile() as stdin:
        stdin.write(given.encode())
        stdin.seek(0)
        status = _status(command, environ, limit, doing, stdin, output)
        words = _last_lines(output)
    if status:
        raise ProviderError(
            f"{doing} {_ended(status)}: {words}",
            "repair what it names; where it says nothing, see its own log",
        )


def output_of(
    command: Sequence[str], environ: Mapping[str, str], limit: float, doing: str, most: int
) -> bytes:
    """What the program prints on its standard output, ``most`` octets of it at most.

    Raises ProviderError, with the last that it said, if it fails, prints more, or is still at work
    after ``limit`` seconds.
    """
    ended = communicate(command, environ, limit, doing, b"", most)
    if ended.status:
        raise ProviderError(f"{doing} {ended}: {last_lines(ended.stderr)}", "run it by hand to see more")
    return ended.output


class CompletedProgram(NamedTuple):
    """A program that has ended. ``status``: as subprocess has it. ``output``: on its standard output."""

    status: int
    output: bytes
    stderr: bytes

    def __str__(self) -> str:
        return _ended(self.status)


def communicate(
    command: Sequence[str],
    environ: Mapping[str, str],
    limit: float,
    doing: str,
    given: bytes,
    most: int,
    last: bytes = b"",
) -> CompletedProgram:
    """Run the program with ``given`` as its standard input; what it ends with is for the caller to judge.
    ``last``: once it has printed this, it is ended if it does not end, and that is as good as status 0.

    Raises Unreachable if it is still at work after ``limit`` seconds, and ProviderError if it cannot be
    run, or prints or says more than ``most`` octets; it is ended then, with all that it has started.
    """
    end = time.monotonic() + limit
    with open(os.memfd_create("given"), "w+b") as stdin:  # in memory: what is given may be a key
        stdin.write(given)
        stdin.seek(0)
        with _started(command, environ, doing, stdin, subprocess.PIPE, subprocess.PIPE) as (process, deliver):
            assert process.stdout
            assert process.stderr
            printed = {process.stdout: bytearray(), process.stderr: bytearray()}
            output, errors = printed.values()
            try:
                _read_pipes(process, printed, end, most, last, deliver)
                status = wait(process, deliver, end - time.monotonic())
            except subprocess.TimeoutExpired:
                if not (last and last in output):
                    raise _too_slow(doing, limit, last_lines(bytes(errors))) from None
                status = 0
            except OverflowError:
                raise _endless(doing, most, last_lines(bytes(errors))) from None
            return CompletedProgram(status, bytes(output), bytes(errors))


def _read_pipes(
    process: subprocess.Popen[bytes],
    printed: Mapping[IO[bytes], bytearray],
    end: float,
    most: int,
    last: bytes,
    deliver: Callable[[], None],
) -> None:
    """Read the pipes until they are closed, or the program has ended and left them to another.

    Raises TimeoutExpired, soon after ``last`` where that comes, and OverflowError for more than ``most``
    octets."""
    with selectors.DefaultSelector() as selector:
        for pipe in printed:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            deliver()
            if (left := end - time.monotonic()) <= 0:
                raise subprocess.TimeoutExpired(process.args, 0)
            had_ended = process.poll() is not None
            ready = selector.select(0 if had_ended else min(left, POLL_INTERVAL))
            if had_ended and not ready:
                return
            for key, _ in ready:
                pipe = cast("IO[bytes]", key.fileobj)
                if not (chunk := os.read(key.fd, 1 << 16)):
                    selector.unregister(pipe)
                printed[pipe].extend(chunk)
                if len(printed[pipe]) > most:
                    raise OverflowError
                if last and last in printed[pipe]:
                    end, last = min(end, time.monotonic() + END_TIMEOUT), b""


def _status(
    command: Sequence[str],
    environ: Mapping[str, str],
    limit: float,
    doing: str,
    stdin: IO[bytes],
    output: IO[bytes],
) -> int:
    end = time.monotonic() + limit
    with _started(command, environ, doing, stdin, output, subprocess.STDOUT) as (process, deliver):
        while (left := end - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                return wait(process, deliver, min(left, POLL_INTERVAL))
            if os.fstat(output.fileno()).st_size > MOST_SAID:
                raise _endless(doing, MOST_SAID, _last_lines(output))
    raise _too_slow(doing, limit, _last_lines(output))


@contextmanager
def _started(
    command: Sequence[str],
    environ: Mapping[str, str],
    doing: str,
    stdin: IO[bytes],
    output: IO[bytes] | int,
    errors: int,
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], None]]]:
    """The program at work, and what delivers signals meanwhile (``signals_put_off``). It is ended, with all
    that it has started, where it has not ended by itself."""
    with signals_put_off() as deliver:
        try:
            process = subprocess.Popen(
                command,
                env=environ,
                stdin=stdin,
                stdout=output,
                stderr=errors,
                start_new_session=True,  # so that all that it starts can be ended with it
            )
        except (OSError, ValueError) as error:  # ValueError: there is a null character in a word
            reason = error.strerror if isinstance(error, OSError) else error
            raise ProviderError(
                f"{doing} cannot be run: {reason}",
                f"see that {command[0]} is there, executable (chmod +x), and a program or a script that "
                "begins with #!; cron's PATH is short: write its whole path",
            ) from None
        with process:
            try:
                yield process, deliver
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


@contextmanager
def signals_put_off() -> Iterator[Callable[[], None]]:
    """Put off the signals that end us until the block ends, or the function that this gives is called: to be
    done while a program is waited for (``wait`` does).

    What their handlers raise in the middle of Popen would leave a process that nobody knows of; what a second
    one raises while the program is being ended would leave it at work.
    """
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
    came: list[int] = []
    put_off = True

    def note(number: int, frame: FrameType | None) -> None:
        if put_off:
            came.append(number)
        else:  # while the handlers are put back
            handlers[number](number, frame)

    def deliver() -> None:
        while came:
            number = came.pop(0)
            handlers[number](number, None)

    try:
        if threading.current_thread() is threading.main_thread():  # the handlers run in no other
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if callable(handler := signal.getsignal(number)):
                    handlers[number] = handler
                    signal.signal(number, note)
        yield deliver
    finally:
        put_off = False
        for each in handlers:
            if signal.getsignal(each) is note:  # and not what a handler has put there when it was called
                signal.signal(each, handlers[each])
        deliver()


def wait(process: subprocess.Popen[bytes], deliver: Callable[[], None], limit: float) -> int:
    """The program's status, once it has ended; signals that are put off are delivered meanwhile. Raises
    TimeoutExpired after ``limit`` seconds, and what the handlers raise."""
    end = time.monotonic() + limit
    while True:
        deliver()
        left = end - time.monotonic()
        try:
            return process.wait(max(min(left, POLL_INTERVAL), 0))
        except subprocess.TimeoutExpired:
            if left <= POLL_INTERVAL:
                raise


def _too_slow(doing: str, limit: float, words: str) -> Unreachable:
    return Unreachable(
        f"{doing} was ended after {limit:g} s; the last that it said: {words}",
        "see what it waits for, or give it more time with time_limit",
    )


def _endless(doing: str, most: int, words: str) -> ProviderError:
    return ProviderError(
        f"{doing} prints more than {most >> 10} KiB, and was ended; the last that it said: {words}",
        "see that it is the right one, and that its output has an end",
    )


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # one for real time has no name but for the first and the last
        return f"was killed by signal {-status}"


def _last_lines(output: IO[bytes]) -> str:
    size = os.fstat(output.fileno()).st_size
    return last_lines(os.pread(output.fileno(), TAIL, max(0, size - TAIL)))


def last_lines(output: bytes) -> str:
    """The last of what a program said, in one line, without control characters and secrets."""
    text = redact(output.decode(errors="replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()][-LINES:]
    shown = " | ".join(lines)[-LENGTH:]
    return printable(shown) or "nothing"
