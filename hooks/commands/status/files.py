"""The files that ``dns01 status`` writes, for programs of other users to read."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress

from .... import output
from ....errors import DeployError, StateError
from ....regular_file import open_regular
from ...deploy.folders import open_folder
from ...state.atomic import discard, stage_text

HEAD = 1024  # octets of a file, which show whether it is one of these
OURS = re.compile(rb"# HELP dns01_|<!DOCTYPE html>.*<title>dns01: ", re.DOTALL)
STDOUT = "-"


def write(path: str, text: str, hint: str) -> None:
    """Write the file: whole or not at all, and for everybody to read. ``-`` is standard output; what is a
    device or a FIFO is written to as it is. Raises StateError with the ``hint``, and for what holds
    something else than an earlier one of these.
    """
    if path == STDOUT:
        output.content(text)
        return
    if not path:
        raise StateError("an empty name is given for a file", "name the file itself")
    path = os.path.abspath(path)
    try:
        if _is_stream(path):
            with open(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "w", encoding="utf-8") as stream:
                stream.write(text)
        else:
            _replace(path, text)
    except DeployError as error:  # a link of another user's on the way
        raise StateError(str(error), "name the path that it leads to") from None
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}", hint) from error


def _is_stream(path: str) -> bool:
    """Whether it is a FIFO or a character device; a link is followed in /dev alone (/dev/stdout)."""
    with suppress(FileNotFoundError):
        mode = (os.stat if path.startswith("/dev/") else os.lstat)(path).st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
    return False


def _replace(path: str, text: str) -> None:
    """In a folder that is reached through no link of another user's, and that stays the same meanwhile."""
    above, name = os.path.split(path)
    folder = open_folder(above)
    try:
        _check_ours(path, name, folder)
        # node_exporter reads *.prom alone, and not what is being written.
        temporary = stage_text(name, text, 0o644, sync=False, folder=folder)
        try:
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            discard(temporary, folder)
            raise
    finally:
        os.close(folder)


def _check_ours(path: str, name: str, folder: int) -> None:
    """Raises StateError where something stands that is not ours to replace."""
    try:
        kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if not stat.S_ISREG(kind):
            what = "a link" if stat.S_ISLNK(kind) else "no file"
            raise StateError(f"{path} is {what}", "name the file itself")
        with open_regular(name, os.O_NOFOLLOW, folder) as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        return
    except ValueError as error:
        raise StateError(f"{path}: {error}", "name another file") from None
    if head and not OURS.match(head):
        raise StateError(f"{path} holds something else, and is not replaced", "name another file")
