"""HAProxy's crt-list: a file with a line for each certificate, whose first word is its name."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from ....regular_file import open_regular, read_at_most
from ...state.atomic import discard, sync_folder
from ..folders import usable

LARGEST_LIST = 1 << 22  # octets of the crt-list


def has_entry(path: str, name: str) -> bool:
    """Whether a line of the file is for the certificate. Raises DeployError."""
    return any(_is_for(line, name) for line in _lines(path))


def with_entry(path: str, name: str) -> None:
    """Add a line for the certificate, unless there is one. Raises DeployError."""
    lines = _lines(path)
    if not any(_is_for(line, name) for line in lines):
        _write(path, [*lines, name])


def without_entry(path: str, name: str) -> None:
    """Remove the lines for the certificate. Raises DeployError."""
    lines = _lines(path)
    if any(_is_for(line, name) for line in lines):
        _write(path, [line for line in lines if not _is_for(line, name)])


def _is_for(line: str, name: str) -> bool:
    return line.split()[:1] == [name]


def _lines(path: str) -> list[str]:
    with usable(path), open_regular(path) as file:
        return read_at_most(file, LARGEST_LIST).decode(errors="surrogateescape").splitlines()


def _write(path: str, lines: Sequence[str]) -> None:
    """All of it or what was there, under the same owner and mode."""
    path = os.path.realpath(path)
    temporary = f"{path}.dns01"
    with usable(path):
        status = os.stat(path)
        discard(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write("".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"))
                file.flush()
                os.fchown(descriptor, status.st_uid, status.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
                os.fsync(descriptor)
            os.rename(temporary, path)
        except BaseException:
            discard(temporary)
            raise
        sync_folder(os.path.dirname(path))
