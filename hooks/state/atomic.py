"""The state folder on the disk: files that are whole or absent, and what an error there means."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from ...errors import StateError
from ...regular_file import open_regular, read_at_most
from ...threads import side_by_side
from .folder import UntrustedFolder

APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
SYNCED_AT_ONCE = 16  # files

_ELSEWHERE = "or set DNS01_STATE_DIR to another folder"
_NO_ROOM = f"make room there (df -h, df -i), {_ELSEWHERE}"
_NOT_YOURS = f"run as the user who owns it (ls -ld), {_ELSEWHERE}"
_HINTS = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EACCES: _NOT_YOURS,
    errno.EPERM: _NOT_YOURS,
    errno.ENOENT: f"make the folder that it is to lie in, {_ELSEWHERE}",
    errno.ENOTDIR: f"a file is in its place: move it away, {_ELSEWHERE}",
    errno.EEXIST: f"a file is in its place: move it away, {_ELSEWHERE}",
    errno.EROFS: f"mount it writable (systemd: StateDirectory=dns01), {_ELSEWHERE}",
}


def iso(epoch: float) -> str:
    """UTC to the millisecond, as ISO 8601 writes it.

    Raises ValueError or OverflowError for what is no time.
    """
    seconds, milliseconds = divmod(round(epoch * 1000), 1000)
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{milliseconds:03}Z", time.gmtime(seconds))


@contextmanager
def usable(folder: str) -> Iterator[None]:
    """Raise StateError, with what to do about it, for any OSError about ``folder``."""
    try:
        yield
    except UntrustedFolder as error:
        raise StateError(
            f"the state folder {error.filename} cannot be used: {error.strerror}", error.hint
        ) from error
    except OSError as error:
        raise StateError(
            f"the state folder {folder} cannot be used: {error.strerror or error}",
            _HINTS.get(error.errno or 0, f"see what is wrong there, {_ELSEWHERE}"),
        ) from error


def stage(path: str, content: object, *, sync: bool = True) -> str:
    """Write the content as JSON, mode 0600, to a temporary file beside ``path``, and return its
    path: to be renamed to ``path`` once all that belongs together is on the disk. Raises OSError."""
    return stage_text(path, json.dumps(content, indent=2) + "\n", sync=sync)


def stage_text(
    path: str, text: str, mode: int = 0o600, *, sync: bool = True, folder: int | None = None
) -> str:
    """Write the text, in UTF-8, to a temporary file beside the path, with the ``mode`` that the file is to
    have. ``folder``: the descriptor of the one that the path starts in. Raises OSError."""
    temporary = f"{path}.{os.urandom(4).hex()}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)  # whatever the umask
            file.write(text)
            file.flush()
            if sync:
                os.fsync(descriptor)
    except BaseException:
        discard(temporary, folder)
        raise
    return temporary


def read_own(path: str, largest: int, folder: int | None = None) -> bytes:
    """The content of a file of ours. ``folder``: the descriptor of the one that the path starts in. Raises
    OSError, and ValueError for what cannot be one: a link, a folder, a FIFO, or one of more than ``largest``
    octets."""
    with open_regular(path, os.O_NOFOLLOW, folder) as file:
        return read_at_most(file, largest)


def sync_files(paths: Sequence[str]) -> None:
    """Sync the files to the disk; side by side, for the disk then writes many of them at once. Raises
    OSError."""
    side_by_side([partial(_sync, path) for path in paths], SYNCED_AT_ONCE)


def sync_folder(path: str) -> None:
    """Sync the names in the folder to the disk. Raises OSError."""
    _sync(path, os.O_DIRECTORY)


def _sync(path: str, flags: int = 0) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(path: str, folder: int | None = None) -> None:
    """Remove the file; that it is already gone is no error. ``folder``: as for ``stage_text``. Raises
    OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path, dir_fd=folder)


def labelled(name: str, identity: str) -> str:
    """A file name that says whose it is and is nobody else's."""
    return f"{readable(name)}-{hashlib.sha256(identity.encode(errors='surrogatepass')).hexdigest()[:8]}.json"


def unlabelled(file: str) -> str:
    """The readable part of a file name that ``labelled`` has made."""
    return re.sub(r"-[0-9a-f]{8}\.json\Z", "", file)


def readable(name: str) -> str:
    """The name, with nothing in it that a file name may not have, and room for what follows."""
    return re.sub(r"[^a-z0-9._*-]", "_", name.lower())[:180]
