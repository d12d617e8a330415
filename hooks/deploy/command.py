"""A command: the test and the reload of every target, and a target of its own (``to = "command"``).

A command is a list of words, without a shell. What it works on, it finds in variables.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, ClassVar

from ...errors import ConfigError, DeployError
from ...providers._program import seconds
from ...providers.base import Option
from ...secret import SECRETIVE, hide, redact
from .base import Bundle

LINES = 8  # of what a command said last
LENGTH = 800  # characters


class Target:
    """Runs a command once for each new certificate, which it finds where the client has put it."""

    options: ClassVar[Sequence[Option]] = (
        Option("command", (), "command to run, as a line of words", required=True),
        Option("time_limit", (), "how many seconds it may take", default="60"),
    )

    def __init__(self, options: Mapping[str, str]) -> None:
        self._command = words(options["command"])
        self._limit = seconds(options["time_limit"], "time_limit")

    def check(self, bundle: Bundle) -> None:
        """A command takes whatever it is given."""

    def changes(self, bundle: Bundle) -> Sequence[str]:
        return [f"runs {shlex.join(self._command)}"]

    def install(self, bundle: Bundle) -> None:
        run(self._command, {**os.environ, **variables(bundle)}, self._limit, "the command")


def words(line: str) -> list[str]:
    """The words of a command line, quoted as in a shell. Raises ConfigError."""
    try:
        if found := shlex.split(line):
            return found
    except ValueError as error:
        raise ConfigError(f"{line!r} is no command: {error}", "quote it as in a shell") from None
    raise ConfigError("a command has at least one word", 'for example "systemctl reload nginx"')


def variables(bundle: Bundle) -> dict[str, str]:
    """What a command is told; paths are the client's, empty where it gives none."""
    paths = bundle.facts.certificate
    return {
        "DNS01_DOMAIN": bundle.name,
        "DNS01_NAMES": " ".join(bundle.facts.names),
        "DNS01_PRIVKEY": paths.key,
        "DNS01_CERT": paths.cert,
        "DNS01_CHAIN": paths.chain,
        "DNS01_FULLCHAIN": paths.fullchain,
        "DNS01_OCSP": bundle.ocsp,
        "DNS01_FINGERPRINT": bundle.facts.fingerprint,
        "DNS01_NOT_AFTER": f"{bundle.facts.not_after:%Y-%m-%dT%H:%M:%SZ}",
    }


def run(
    argv: Sequence[str], environ: Mapping[str, str], timeout: float, what: str, given: str = ""
) -> None:
    """Run a command, which has to end with 0 within ``timeout`` seconds; then it is ended with all
    that it has started. ``what``: what it is for, as an error begins. ``given``: its standard input.

    Raises DeployError with the last that it said. Its output never reaches our own, which an ACME
    client reads.
    """
    for name, value in environ.items():
        if SECRETIVE.search(name) and not name.startswith("DNS01_"):  # where ours say key, it is a path
            hide(value)
    doing = redact(f"{what}: {shlex.join(argv)}")
    # A file and no pipe, which would be waited for as long as any process that it leaves is alive.
    with TemporaryFile() as output, TemporaryFile() as told:
        told.write(given.encode())
        told.seek(0)
        process = _start(argv, environ, doing, told, output)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise DeployError(
                f"{doing} was ended after {timeout:g} s; the last that it said: {_tail(output)}",
                "see what it waits for: run it by hand",
            ) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if status:
            ended = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"
            raise DeployError(
                f"{doing} {ended}: {_tail(output)}",
                "repair what it names; where it says nothing, see the service's log",
            )


def _start(
    argv: Sequence[str], environ: Mapping[str, str], doing: str, told: IO[bytes], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            env=environ,
            stdin=told,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a process group that can be ended as a whole
        )
    except OSError as error:
        raise DeployError(
            f"{doing} cannot be run: {error.strerror}",
            f"see that {argv[0]} is there and executable; cron's PATH is short: write its whole path",
        ) from None


def _tail(output: IO[bytes]) -> str:
    """The last lines in one, without control characters and secrets."""
    output.seek(0)
    text = redact(output.read().decode(errors="replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()][-LINES:]
    shown = " | ".join(lines)[-LENGTH:]
    return "".join(each if each.isprintable() else "�" for each in shown) or "nothing"
