"""The files that are written: what would change, and then each of them whole or not at all.

No link is followed, and no file of another user is touched. A kill leaves every file as it was or as it
is to be, those that others name written first.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import unified_diff
from typing import NamedTuple

from .....errors import ConfigError
from .....output import printable
from .....secret import redact
from .....trusted_file import LARGEST_FILE, check_folder
from ....state.atomic import discard, read_own, stage_text, sync_folder
from ....state.folder import private_folder

_LEFT = re.compile(r"\.[0-9a-f]{8}\.tmp$")  # what a killed run has left


class Draft(NamedTuple):
    """A file as it is to be. ``secret``: its content is never shown, and nobody else may read it but the
    ``group`` (an id), if there is one. ``copy_of``: the file whose content it has."""

    path: str
    text: str
    mode: int = 0o644
    secret: bool = False
    group: int | None = None
    copy_of: str = ""


def read(path: str) -> str | None:
    """The text that is there; None where there is no file. Raises ConfigError for what cannot be
    written in its place with confidence."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            raise ConfigError(f"{path} is a link, which is not followed", f"see where it leads: ls -l {path}")
        if stat.S_ISREG(found.st_mode) and found.st_uid != os.geteuid():
            raise ConfigError(
                f"{path} belongs to another user (uid {found.st_uid})", f"see whose it is: ls -l {path}"
            )
        return read_own(path, LARGEST_FILE).decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", "run init as the user whose it is"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text in UTF-8", f"see what it is: file {path}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}", f"see what it is: ls -ld {path}") from None


def changes(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts that differ from what is on the disk. Raises ConfigError."""
    found = []
    for draft in drafts:
        mode = _mode(draft.path)
        wanted = draft.mode & 0o077
        if read(draft.path) != draft.text or (draft.secret and mode & 0o077 != wanted):
            found.append(draft._replace(mode=draft.mode if draft.secret else mode or draft.mode))
    return found


def as_they_are(drafts: Sequence[Draft]) -> list[Draft]:
    """What is on the disk in the place of the drafts, to be written again; without those that are new."""
    present = ((draft, read(draft.path)) for draft in drafts)
    return [draft._replace(text=text, mode=_mode(draft.path)) for draft, text in present if text is not None]


def difference(draft: Draft) -> Iterator[str]:
    """What writing it would change: a unified diff, without secrets; or that it is a file of secrets."""
    before = read(draft.path)
    if draft.secret:
        yield f"{'new' if before is None else 'changed'}, mode {draft.mode:04o}, not shown: {draft.path}"
        return
    if draft.copy_of:
        yield f"new, a copy of {draft.copy_of}: {draft.path}"
        return
    old, new = ((before or "").splitlines(), draft.text.splitlines())
    origin = draft.path if before is not None else os.devnull
    for line in unified_diff(old, new, origin, draft.path, lineterm="", n=0):
        yield printable(redact(line))


def write(drafts: Sequence[Draft]) -> None:
    """Write the drafts; they are on the disk when this returns. Raises ConfigError, with nothing changed by
    then unless the disk itself fails."""
    folders = list(dict.fromkeys(os.path.dirname(draft.path) for draft in drafts))
    try:
        for draft in drafts:
            folder = os.path.dirname(draft.path)
            if not os.path.isdir(folder):
                private_folder(folder)
            check_folder(folder, draft.path)
        with _alone(folders[0]):
            _replace(drafts, folders)
    except OSError as error:
        where = error.filename or folders[0]
        raise ConfigError(
            f"{where} cannot be written: {error.strerror}",
            "mount it writable, or name another file in DNS01_CONFIG"
            if error.errno == errno.EROFS
            else "run init as the user whose folder it is",
        ) from None


def _replace(drafts: Sequence[Draft], folders: Sequence[str]) -> None:
    for folder in folders:
        _tidy(folder, {os.path.basename(draft.path) for draft in drafts})
    staged: dict[str, str] = {}
    try:
        for draft in drafts:
            staged[draft.path] = stage_text(draft.path, draft.text, draft.mode)
            with suppress(FileNotFoundError):
                group = os.lstat(draft.path).st_gid if draft.group is None else draft.group
                os.chown(staged[draft.path], -1, group)
        for path, temporary in staged.items():
            os.rename(temporary, path)
        for folder in folders:
            sync_folder(folder)
    finally:
        for temporary in staged.values():
            discard(temporary)


def _mode(path: str) -> int:
    with suppress(OSError):
        return stat.S_IMODE(os.lstat(path).st_mode)
    return 0


def _tidy(folder: str, names: set[str]) -> None:
    """Remove what a killed run has left: there may be a secret in it."""
    for name in os.listdir(folder):
        if _LEFT.search(name) and _LEFT.sub("", name) in names:
            discard(os.path.join(folder, name))


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Only one init at a time writes here. The kernel lets go of the lock when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(f"another dns01 init is writing to {folder}", "let it end, and try again") from None
    finally:
        os.close(descriptor)
