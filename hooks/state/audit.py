"""The append-only record of every phase: one JSON line each in STATE/audit.jsonl."""

from __future__ import annotations

import json
import os
import pwd
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...errors import StateError
from ...output import warning
from ...secret import redact
from ..clients.call import Call
from .atomic import iso
from .folder import private_folder, state_dir

FILE = "audit.jsonl"
RECENT = 1 << 20  # octets
APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK


class Steps:
    """A stopwatch for the steps of a phase: ``with steps("publish"): …``.

    ``seconds`` holds the time spent in each, in the order of their first start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        before, start = self.seconds.setdefault(name, 0.0), self._clock()
        try:
            yield
        finally:
            self.seconds[name] = round(before + self._clock() - start, 3)


def entry(call: Call, **what: Any) -> dict[str, Any]:
    """The record of a phase; ``what`` has come of it, where anything has."""
    nothing = {"published": [], "retracted": [], "deployed": [], "steps": {}, "outcome": "ok", "error": ""}
    domain = call.certificate.domain if call.certificate else ""
    names = [*(challenge.domain for challenge in call.challenges), *([domain] if domain else [])]
    return {"client": call.client, "phase": call.words, "names": names, **nothing, **what}


class Trail:
    """The writer. What it adds to each record itself: ``time``, ``user``, ``sudo_user``, ``host``."""

    def __init__(
        self,
        path: str,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], None] = warning,
    ) -> None:
        self._path = path
        self._environ = environ
        self._clock = clock
        self._warn = warn

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Trail:
        """The trail of the state folder."""
        return cls(os.path.join(state_dir(environ), FILE), environ)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append the record, with every secret in it blotted out.

        A disk that is full, or a folder that may not be written, is only warned about: the
        certificate matters more than its record.
        """
        entry = {"time": iso(self._clock()), **_who(self._environ), **record}
        line = json.dumps(_redacted(entry)).encode() + b"\n"
        try:
            private_folder(os.path.dirname(self._path))
            file = os.open(
                self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600
            )
            try:
                # One write, which no other process can get into. The line feed ends the line that
                # a full disk may have torn, or is an empty line, if another process just writes.
                line = line if _ends_a_line(file) else b"\n" + line
                if os.write(file, line) < len(line):
                    self._warn(f"the audit trail {self._path} lacks the end of a line: is the disk full?")
            finally:
                os.close(file)
        except OSError as error:
            self._warn(f"this phase is not in the audit trail {self._path}: {error.strerror}")


def read(path: str, *, since: str = "", **wanted: str) -> Iterator[dict[str, Any]]:
    """The records, oldest first, from ``since`` on (ISO 8601 UTC or the beginning of it).

    ``wanted``: fields that must have this value, or hold it where they are lists. A line that is
    no whole record (its writer was killed, or the disk was full) is passed over. Raises StateError.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                record = _record(line)
                if record and record["time"] >= since and all(_has(record, *item) for item in wanted.items()):
                    yield record
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(path, error) from error


def recent(path: str, size: int = RECENT) -> list[dict[str, Any]]:
    """The records in the last ``size`` octets of the trail, oldest first. Raises StateError."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(path, error) from error
    return [record for record in map(_record, lines) if record]


def _unreadable(path: str, error: OSError) -> StateError:
    return StateError(
        f"the audit trail {path} cannot be read: {error.strerror}", f"run as its owner (ls -l {path})"
    )


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("time"), str) else None


def _has(record: Mapping[str, Any], field: str, wanted: str) -> bool:
    value = record.get(field)
    return wanted in value if isinstance(value, list) else wanted == value


def _who(environ: Mapping[str, str]) -> dict[str, str]:
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user need not have a name
        user = str(os.geteuid())
    return {"user": user, "sudo_user": environ.get("SUDO_USER", ""), "host": os.uname().nodename}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redacted(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(inner) for inner in value]
    return value


def _ends_a_line(file: int) -> bool:
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"
