"""The writer: whole lines in one chain, however many processes write at once."""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Callable, Mapping
from typing import Any

from ....errors import ConfigError, StateError
from ....output import warning
from ....secret import redact
from ..atomic import APPENDING, iso, usable
from ..folder import private_folder, state_dir
from ..locks import locks
from . import chain, files, syslog
from .section import AuditSettings, load_audit

LOCK_TIMEOUT = 10.0  # seconds; a writer holds the lock for some milliseconds


class Trail:
    """The writer. What it adds to each record itself: ``seq``, ``prev`` and ``hash`` (see ``chain``),
    ``time``, ``user``, ``sudo_user``, ``host``."""

    def __init__(
        self,
        path: str,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        warn: Callable[[str], None] = warning,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._environ = environ
        self._clock = clock
        self._warn = warn
        self._sleep = sleep

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Trail:
        """The trail of the state folder."""
        return cls(os.path.join(state_dir(environ), files.FILE), environ)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append the record, with every secret in it blotted out, and send a copy to whom the
        configuration names.

        A disk that is full, or a folder that may not be written, is only warned about: the
        certificate matters more than its record.
        """
        settings = self._settings()
        state = os.path.dirname(self._path)
        entry = _redacted({**_who(self._environ), **record})  # before the lock, for others wait for that
        line = b""
        try:
            with usable(state):
                private_folder(state)
            with locks(state, {"audit": "the audit trail"}, LOCK_TIMEOUT, self._sleep):
                self._rotate(settings)
                line = self._sealed(entry)
                self._append(line)
        except StateError as error:
            self._warn(f"this phase is not in the audit trail {self._path}: {error} -> {error.hint}")
        except OSError as error:
            self._warn(f"this phase is not in the audit trail {self._path}: {error.strerror or error}")
        for problem in syslog.send(line or self._unsealed(entry), settings.to):
            self._warn(problem)

    def _settings(self) -> AuditSettings:
        try:
            return load_audit(self._environ)
        except ConfigError as error:
            self._warn(f"{error}; the audit trail is kept as without that")
            return AuditSettings()

    def _rotate(self, settings: AuditSettings) -> None:
        try:
            if os.lstat(self._path).st_size >= settings.size:
                files.rotate(self._path, self._clock(), settings.keep)
        except FileNotFoundError:
            pass

    def _sealed(self, entry: Mapping[str, Any]) -> bytes:
        last = files.last_link(self._path)
        seq, prev = (last.seq + 1, last.hash) if last else (1, "")
        return chain.seal(self._timed(entry), seq, prev)

    def _unsealed(self, entry: Mapping[str, Any]) -> bytes:
        """The line for the receivers of copies where the file could not be written."""
        return chain.seal(self._timed(entry), 0, "")

    def _timed(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        return {"time": iso(self._clock()), **entry}

    def _append(self, line: bytes) -> None:
        file = os.open(self._path, APPENDING, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError("it is not a regular file")
            # One write, which no other process can get into: an older version takes no lock. The line feed
            # before it ends the line that a full disk may have torn.
            line = line + b"\n" if _ends_a_line(file) else b"\n" + line + b"\n"
            if os.write(file, line) < len(line):
                self._warn(f"the audit trail {self._path} lacks the end of a line: is the disk full?")
        finally:
            os.close(file)


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
