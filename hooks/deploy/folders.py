"""Folders that a target writes to, which may be another user's: no link of theirs is followed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import DeployError

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_NO_ROOM = "make room there (df -h, df -i); until then the old files stay in use"
_NOT_YOURS = "run as root: nobody else may write everywhere and give files away; the old files stay in use"
_HINTS = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EACCES: _NOT_YOURS,
    errno.EPERM: _NOT_YOURS,
    errno.EROFS: "mount it writable (systemd: ReadWritePaths=); the old files stay in use",
    errno.ENOENT: "make the folder that it is to be in (install -d)",
    errno.EISDIR: "write the path of a file there, or directory = …",
    errno.ENOTDIR: "a file is where a folder should be: see the path in the configuration",
}


@contextmanager
def usable(path: str) -> Iterator[None]:
    """Raise DeployError, with what to do about it, for any OSError about ``path``, and for what
    ``open_regular`` refuses."""
    try:
        yield
    except ValueError as error:
        raise DeployError(*_irregular(path, str(error))) from None
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) and os.path.isabs(error.filename) else path
        raise DeployError(
            f"{where} cannot be used: {error.strerror}",
            _HINTS.get(error.errno or 0, "see what is wrong there; the old files stay in use"),
        ) from error


def _irregular(path: str, problem: str) -> tuple[str, str]:
    """What is said of what stands in a file's place, and what to do about it."""
    hint = "move it away (mv); see what made it"
    with suppress(OSError):
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            problem, hint = "it is a folder", "give a file's path, or directory = …"
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            problem, hint = "it is a device", "give a file's path"
    return f"{path} cannot be used: {problem}", hint


def make_folder(path: str) -> None:
    """Make the folder, if it is not there, so that anybody may pass through: what is in it has modes of its
    own.

    Raises DeployError.
    """
    above, name = os.path.split(path)
    with usable(path), suppress(FileExistsError):
        descriptor = open_folder(above)
        try:
            os.mkdir(name, 0o700, dir_fd=descriptor)
            made = _open_part(descriptor, name, path)
            os.fchmod(made, 0o755)  # whatever the umask
            os.close(made)
        finally:
            os.close(descriptor)


def open_folder(path: str) -> int:
    """A descriptor of the folder at an absolute path, reached through no link of another user's.

    Raises OSError, and DeployError for such a link.
    """
    descriptor = os.open("/", FOLDER)
    walked = ""
    for part in path.split("/"):
        if not part:
            continue
        walked += f"/{part}"
        try:
            inner = _open_part(descriptor, part, walked)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _open_part(above: int, name: str, path: str) -> int:
    try:
        status = os.stat(name, dir_fd=above, follow_symlinks=False)
        link = stat.S_ISLNK(status.st_mode)
        if link and status.st_uid not in trusted():
            raise DeployError(
                f"{path} is a link that the user {status.st_uid} has made: nothing is written through it",
                "write the path that it leads to into the configuration",
            )
        return os.open(name, FOLDER if link else FOLDER | os.O_NOFOLLOW, dir_fd=above)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), path) from None


def is_link_of_others(path: str) -> bool:
    """Whether a link is there that neither root nor we have made."""
    with suppress(FileNotFoundError):
        status = os.lstat(path)
        return stat.S_ISLNK(status.st_mode) and status.st_uid not in trusted()
    return False


def trusted() -> tuple[int, int]:
    """The users whose links may be followed."""
    return 0, os.geteuid()
