"""The files that ``dns01 status`` writes, for programs of other users to read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from .... import output
from ....errors import StateError
from ....regular_file import open_regular
from ...state.atomic import discard, stage_text

HEAD = 1024  # octets of a file, which show whether it is one of these


def write(path: str, text: str, hint: str) -> None:
    """Write the file: whole or not at all, and for everybody to read. ``-`` is standard output; what is a
    device or a FIFO is written to as it is. Raises StateError with the ``hint``, and for what holds
    something else than an earlier one of these.
    """
    if path == "-":
        output.report(text.rstrip("\n"))
        return
    path = os.path.abspath(path)
    try:
        if _is_stream(path):
            with open(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "w", encoding="utf-8") as stream:
                stream.write(text)
        else:
            _check_ours(path)
            _replace(path, text)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}", hint) from error


def _is_stream(path: str) -> bool:
    """Whether it is a FIFO or a character device; a link is followed in /dev alone (/dev/stdout)."""
    with suppress(FileNotFoundError):
        mode = (os.stat if path.startswith("/dev/") else os.lstat)(path).st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
    return False


def _check_ours(path: str) -> None:
    """Raises StateError where something stands that is not ours to replace."""
    try:
        kind = os.lstat(path).st_mode
        if not stat.S_ISREG(kind):
            what = "a link" if stat.S_ISLNK(kind) else "no file"
            raise StateError(f"{path} is {what}", "name the file itself")
        with open_regular(path, os.O_NOFOLLOW) as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        return
    except ValueError as error:
        raise StateError(f"{path}: {error}", "name another file") from None
    if head and b"dns01" not in head:
        raise StateError(f"{path} holds something else, and is not replaced", "name another file")


def _replace(path: str, text: str) -> None:
    temporary = stage_text(path, text, 0o644, sync=False)  # node_exporter reads *.prom alone
    try:
        os.rename(temporary, path)
    except BaseException:
        discard(temporary)
        raise
