"""Files that change together: the paths that services know are links into one version of them.

::

    /etc/nginx/tls/fullchain.pem -> .fullchain.pem.versions/current/fullchain.pem
    /etc/nginx/tls/privkey.pem   -> .fullchain.pem.versions/current/privkey.pem
    /etc/nginx/tls/.fullchain.pem.versions/
        5/ 6/ 7/         a folder for each version
        current -> 7     what the paths show: the rename of this one link changes them all
        previous -> 6    what undo brings back, until it is settled; "nothing" where nothing was

Two plain files cannot change at one instant, and a service that is restarted between the two has
a key that is not its certificate's. All that is temporary begins with a dot, since HAProxy loads
whatever else lies in the folder of its certificates.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import NamedTuple

from ... import output
from ...errors import DeployError
from ..state.atomic import discard, sync_folder

KEPT = 3  # versions, for whoever wants to look at an older one
NOTHING = "nothing"

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


class File(NamedTuple):
    """One file of a version. ``path``: where services look for it. ``content``: None where there
    is nothing to put there. ``uid``, ``gid``: -1 for whoever writes it."""

    name: str
    path: str
    content: bytes | None
    mode: int
    uid: int = -1
    gid: int = -1


@contextmanager
def usable(path: str) -> Iterator[None]:
    """Raise DeployError, with what to do about it, for any OSError about ``path``."""
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        raise DeployError(
            f"{where} cannot be used: {error.strerror}",
            _HINTS.get(error.errno or 0, "see what is wrong there; the old files stay in use"),
        ) from error


class Versions:
    """The versions of the files whose first is found at ``path``. All of these raise DeployError."""

    def __init__(self, path: str) -> None:
        folder, name = os.path.split(path)
        self._beside = folder
        self._folder = os.path.join(folder, f".{name}.versions")

    def shows(self, file: File) -> bool:
        """Whether the file's path is a link into what is current."""
        return os.path.islink(file.path) and os.readlink(file.path) == self._link_to(file)

    def install(self, files: Sequence[File]) -> None:
        """Have the paths show these files, all of them from the same instant on."""
        with usable(self._folder):
            make_folder(self._folder)
            if any(file.content is not None and self._is_foreign(file) for file in files):
                discard(self._path("previous"))
                self._adopt(files)
            for file in files:
                if file.content is not None:
                    self._link(file)
            version = self._write(files)
            if not self._target("previous"):
                self._point("previous", self._target("current") or NOTHING)
            self._point("current", version)
            self._drop_links_to_nothing(files)
            self._prune()

    def undo(self, files: Sequence[File]) -> None:
        """Have the paths show what they showed before the installations since ``settle``, if the last
        was the one of these files and came to its end."""
        found = as_it_is(files[0])
        if found and found.content != files[0].content:
            return
        with usable(self._folder):
            previous = self._target("previous")
            if not previous:
                return
            if previous == NOTHING:
                discard(self._path("current"))
            else:
                self._point("current", previous)
            self._drop_links_to_nothing(files)
            discard(self._path("previous"))

    def settle(self) -> None:
        """Leave nothing to be undone."""
        with usable(self._folder):
            discard(self._path("previous"))

    def _adopt(self, files: Sequence[File]) -> None:
        """Make a version of what stands at the paths now: they can become links to it one after
        the other, and show what they did. A key that only its folder has kept from others is
        kept from them by its mode from here on."""
        found = [(as_it_is(file), file.mode) for file in files]
        theirs = [each._replace(mode=each.mode & (0o770 | mode)) for each, mode in found if each]
        self._point("current", self._write(theirs))

    def _write(self, files: Sequence[File]) -> str:
        version = str(max(self._numbers(), default=0) + 1)
        folder = self._path(version)
        make_folder(folder)
        try:
            for file in files:
                if file.content is not None:
                    _create(os.path.join(folder, file.name), file, file.content)
            sync_folder(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return version

    def _link(self, file: File) -> None:
        if self.shows(file):
            return
        if self._is_foreign(file):
            output.warning(f"{file.path} was a file of its own: it is kept as {_keep(file.path)}")
        _place(self._link_to(file), file.path)

    def _link_to(self, file: File) -> str:
        """What the link at the file's path says: relative within the folder, which may be mounted
        elsewhere for a service."""
        beside = os.path.dirname(file.path) == self._beside
        folder = os.path.basename(self._folder) if beside else self._folder
        return os.path.join(folder, "current", file.name)

    def _is_foreign(self, file: File) -> bool:
        return os.path.lexists(file.path) and not self.shows(file)

    def _drop_links_to_nothing(self, files: Sequence[File]) -> None:
        for file in files:
            if self.shows(file) and not os.path.exists(file.path):
                discard(file.path)

    def _point(self, name: str, version: str) -> None:
        _place(version, self._path(name))

    def _target(self, name: str) -> str:
        """The version that the link stands for; "" where there is no such link."""
        try:
            return os.readlink(self._path(name))
        except FileNotFoundError:
            return ""

    def _numbers(self) -> list[int]:
        return sorted(int(name) for name in os.listdir(self._folder) if name.isdecimal())

    def _prune(self) -> None:
        """Remove old versions, and those that a killed process or an undone installation has left."""
        current = int(self._target("current"))
        numbers = self._numbers()
        kept = {str(number) for number in numbers if number <= current}
        kept = {*sorted(kept, key=int)[-KEPT:], self._target("previous")}
        for version in {str(number) for number in numbers} - kept:
            shutil.rmtree(self._path(version), ignore_errors=True)

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)


def as_it_is(file: File) -> File | None:
    """What stands at the file's path, if anything does. Raises DeployError."""
    with usable(file.path), suppress(FileNotFoundError), open(file.path, "rb") as found:
        status = os.fstat(found.fileno())
        return file._replace(
            content=found.read(), mode=stat.S_IMODE(status.st_mode), uid=status.st_uid, gid=status.st_gid
        )
    return None


def make_folder(path: str) -> None:
    """Have the folder, which anybody may pass through: what is in it has modes of its own.

    Raises DeployError.
    """
    with usable(path), suppress(FileExistsError):
        os.mkdir(path, 0o700)
        os.chmod(path, 0o755)  # whatever the umask


def _create(path: str, file: File, content: bytes) -> None:
    """Write a file that nobody else can read until it has the owner, group and mode that it is to have."""
    with usable(path), open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(content)
        new.flush()
        os.fchown(new.fileno(), file.uid, file.gid)
        os.fchmod(new.fileno(), file.mode)  # whatever the umask
        os.fsync(new.fileno())


def _place(target: str, path: str) -> None:
    """Have a link at ``path``, in the place of whatever is there."""
    folder, name = os.path.split(path)
    fresh = os.path.join(folder, f".{name}.new")
    discard(fresh)  # of a process that was killed
    os.symlink(target, fresh)
    os.rename(fresh, path)
    sync_folder(folder)


def _keep(path: str) -> str:
    """Give what is at ``path`` a second name beside it, and return that."""
    folder, name = os.path.split(path)
    for number in count(1):
        second = os.path.join(folder, f".{name}.before-dns01" + (f".{number}" if number > 1 else ""))
        try:
            os.link(path, second, follow_symlinks=False)
        except FileExistsError:  # a process that was killed here may have made it
            if not os.path.samestat(os.lstat(path), os.lstat(second)):
                continue
        return second
    raise AssertionError("there is no end to numbers")
