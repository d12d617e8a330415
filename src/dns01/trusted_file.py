"""Files that decide what is done, or hold what nobody else may know: read whole, never waited for."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from .errors import ConfigError

LARGEST_FILE = 1 << 20  # octets

_owners_of_secrets: set[int] = set()


@contextmanager
def secrets_of(*users: int) -> Iterator[None]:
    """Let the users (uid) own private files as well, in all threads: for root, who looks at what they run.
    A link of theirs, or a folder, is no more trusted than before."""
    added = {*users} - _owners_of_secrets
    _owners_of_secrets.update(added)
    try:
        yield
    finally:
        _owners_of_secrets.difference_update(added)


def read_trusted(path: str, *, private: bool = False, also: Collection[int] = ()) -> tuple[bytes, int]:
    """The content of a file that nobody but root and ourselves can have written, and its mode. A
    ``private`` one nobody else may read either. ``also``: users (uid) who may have written it as well.

    Raises OSError if it cannot be read, ConfigError if another user could have changed it, or if it is
    no file of a sensible size.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is not a regular file", f"see what it is: ls -ld {path}")
        _check(path, found, private, also)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST_FILE + 1)
    finally:
        os.close(descriptor)
    if len(content) > LARGEST_FILE:
        raise ConfigError(
            f"{path} has more than {LARGEST_FILE} octets", f"see what it is: head -c 200 {path}"
        )
    return content, stat.S_IMODE(found.st_mode)


def _check(path: str, found: os.stat_result, private: bool, also: Collection[int]) -> None:
    """As OpenSSH does it with its own files (sshd_config(5), StrictModes)."""
    trusted = (0, os.geteuid(), *also)
    mode = stat.S_IMODE(found.st_mode)
    if private and mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
    if found.st_uid not in trusted and not (private and found.st_uid in _owners_of_secrets):
        owner = _user(found.st_uid)
        raise ConfigError(f"{path} belongs to the user {owner}, who can change it", f"chown root {path}")
    if mode & 0o022:
        raise ConfigError(f"{path} can be written by others (mode {mode:04o})", f"chmod go-w {path}")
    link = os.lstat(path)
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in trusted:
        owner = _user(link.st_uid)
        raise ConfigError(f"{path} is a link that the user {owner} has made", "name the file itself")
    for folder in {os.path.dirname(os.path.abspath(path)), os.path.dirname(os.path.realpath(path))}:
        check_folder(folder, path, also)


def check_folder(folder: str, path: str, also: Collection[int] = ()) -> None:
    """Raises ConfigError where another user could put another file in the place of ``path``, which lies
    in the folder; OSError where there is no such folder."""
    status = os.stat(folder)
    if status.st_uid not in (0, os.geteuid(), *also) or (
        status.st_mode & 0o002 and not status.st_mode & stat.S_ISVTX
    ):
        raise ConfigError(
            f"{path} lies in {folder}, where other users may put another file in its place",
            f"chown root {folder} && chmod go-w {folder}",
        )


def _user(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)
