"""A program of somebody else's, run with a time limit; what it says is heard, but not trusted."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from .errors import ProviderError, Unreachable
from .output import printable
from .secret import SECRETIVE, hide, redact

LINES = 8  # of what it said last
LENGTH = 800  # characters


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
    with TemporaryFile() as output, TemporaryFile() as told:
        told.write(given.encode())
        told.seek(0)
        status = _status(command, environ, limit, doing, told, output)
        said = _last_lines(output)
    if status:
        ended = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"
        raise ProviderError(
            f"{doing} {ended}: {said}", "repair what it names; where it says nothing, see its own log"
        )


def output_of(
    command: Sequence[str], environ: Mapping[str, str], limit: float, doing: str, most: int
) -> bytes:
    """What the program prints on its standard output, ``most`` octets of it at most.

    Raises ProviderError, with the last that it said, if it fails, prints more, or is still at work
    after ``limit`` seconds.
    """
    with TemporaryFile() as output, TemporaryFile() as said, TemporaryFile() as nothing:
        status = _status(command, environ, limit, doing, nothing, output, said)
        if status:
            raise ProviderError(
                f"{doing} ended with {status}: {_last_lines(said)}", "run it by hand to see more"
            )
        output.seek(0)
        content = output.read(most + 1)
    if len(content) > most:
        raise ProviderError(f"{doing} prints more than {most >> 20} MiB", "see that it is the right one")
    return content


def _status(
    command: Sequence[str],
    environ: Mapping[str, str],
    limit: float,
    doing: str,
    told: IO[bytes],
    output: IO[bytes],
    errors: IO[bytes] | None = None,
) -> int:
    try:
        process = subprocess.Popen(
            command,
            env=environ,
            stdin=told,
            stdout=output,
            stderr=errors or subprocess.STDOUT,
            start_new_session=True,  # so that all that it starts can be ended with it
        )
    except OSError as error:
        raise ProviderError(
            f"{doing} cannot be run: {error.strerror}",
            f"see that {command[0]} is there, executable (chmod +x), and a program or a script that begins "
            "with #!; cron's PATH is short: write its whole path",
        ) from None
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        raise Unreachable(
            f"{doing} was ended after {limit:g} s; the last that it said: {_last_lines(errors or output)}",
            "see what it waits for, or give it more time with time_limit",
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_lines(output: IO[bytes]) -> str:
    """In one line, without control characters and secrets."""
    output.seek(0)
    text = redact(output.read().decode(errors="replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()][-LINES:]
    shown = " | ".join(lines)[-LENGTH:]
    return printable(shown) or "nothing"
