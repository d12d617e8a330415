"""Files that change together: the paths that services know are links into one version of them.

::

    /etc/nginx/tls/fullchain.pem -> .fullchain.pem.versions/current/fullchain.pem
    /etc/nginx/tls/privkey.pem   -> .fullchain.pem.versions/current/privkey.pem
    /etc/nginx/tls/.fullchain.pem.versions/
        5/ 6/ 7/         a folder for each version
        current -> 7     what the paths show: the rename of this one link changes them all
        previous -> 6    what undo brings back, until it is committed; "nothing" where nothing was

Two plain files cannot change at one instant, and a service that is restarted between the two has
a key that is not its certificate's. All that is temporary begins with a dot, since HAProxy loads
whatever else lies in the folder of its certificates.

The folder may be another user's, who can put a link in the place of anything at any time: a link of
theirs is not followed, and what is written or removed is found from a folder that is open already.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import NamedTuple

from ... import output
from ...errors import DeployError
from ...regular_file import open_regular, read_at_most
from ..state.atomic import discard
from .folders import FOLDER, is_link_of_others, make_folder, open_folder, trusted, usable

KEPT = 3  # versions, for whoever wants to look at an older one
NOTHING = "nothing"
LARGEST_FILE = 1 << 22  # octets of what stands at a path now


class VersionedFile(NamedTuple):
    """One file of a version. ``path``: where services look for it. ``content``: None where there
    is nothing to put there. ``uid``, ``gid``: -1 for whoever writes it."""

    name: str
    path: str
    content: bytes | None
    mode: int
    uid: int = -1
    gid: int = -1


class Versions:
    """The versions of the files whose first is found at ``path``. All of these raise DeployError."""

    def __init__(self, path: str) -> None:
        folder, name = os.path.split(path)
        self._beside = folder
        self._folder = os.path.join(folder, f".{name}.versions")

    def shows(self, file: VersionedFile) -> bool:
        """Whether the file's path is a link into what is current."""
        return os.path.islink(file.path) and os.readlink(file.path) == self._link_to(file)

    def install(self, files: Sequence[VersionedFile]) -> None:
        """Switch the paths to these files, all of them at the same instant."""
        with usable(self._folder):
            make_folder(self._folder)
            with self._opened() as store:
                assert store
                if any(file.content is not None and self._is_foreign(file) for file in files):
                    store.remove_link("previous")
                    self._adopt(store, files)
                for file in files:
                    if file.content is not None:
                        self._link(file)
                version = store.write(files)
                if not store.target("previous"):
                    store.point("previous", store.target("current") or NOTHING)
                store.point("current", version)
                self._drop_links_to_nothing(files)
                store.prune()

    def undo(self, files: Sequence[VersionedFile]) -> None:
        """Switch the paths back to what they showed before the installations since ``commit``, if the last
        was the one of these files and came to its end."""
        found = as_it_is(files[0])
        if found and found.content != files[0].content:
            return
        with usable(self._folder), self._opened() as store:
            previous = store.target("previous") if store else ""
            if not store or not previous:
                return
            if previous == NOTHING:
                store.remove_link("current")
            else:
                store.point("current", previous)
            self._drop_links_to_nothing(files)
            store.remove_link("previous")

    def commit(self) -> None:
        """Keep the installed version for good: ``undo`` has nothing to go back to any more."""
        with usable(self._folder), self._opened() as store:
            if store:
                store.remove_link("previous")

    @contextmanager
    def _opened(self) -> Iterator[_Store | None]:
        """The folder of the versions, if it is there. Raises OSError, and DeployError for another user's."""
        try:
            descriptor = open_folder(self._folder)
        except FileNotFoundError:
            yield None
            return
        try:
            status = os.fstat(descriptor)
            if status.st_uid not in trusted() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise DeployError(
                    f"{self._folder} belongs to the user {status.st_uid}, or others may write to it",
                    "see what is in it, and move it away: it is made anew; the old files stay in use",
                )
            yield _Store(descriptor)
        finally:
            os.close(descriptor)

    def _adopt(self, store: _Store, files: Sequence[VersionedFile]) -> None:
        """Make a version of what stands at the paths now: they can become links to it one after
        the other, and show what they did. A key that only its folder has kept from others is
        kept from them by its mode from here on. What another user's link leads to is not copied."""
        own = [file for file in files if not is_link_of_others(file.path)]
        found = [(as_it_is(file), file.mode) for file in own]
        theirs = [each._replace(mode=each.mode & (0o770 | mode)) for each, mode in found if each]
        store.point("current", store.write(theirs))

    def _link(self, file: VersionedFile) -> None:
        if self.shows(file):
            return
        if self._is_foreign(file):
            output.warning(f"{file.path} was a file of its own: it is kept as {_keep(file.path)}")
        folder, name = os.path.split(file.path)
        descriptor = open_folder(folder)
        try:
            _place(self._link_to(file), name, descriptor)
        finally:
            os.close(descriptor)

    def _link_to(self, file: VersionedFile) -> str:
        """What the link at the file's path says: relative within the folder, which may be mounted
        elsewhere for a service."""
        beside = os.path.dirname(file.path) == self._beside
        folder = os.path.basename(self._folder) if beside else self._folder
        return os.path.join(folder, "current", file.name)

    def _is_foreign(self, file: VersionedFile) -> bool:
        return os.path.lexists(file.path) and not self.shows(file)

    def _drop_links_to_nothing(self, files: Sequence[VersionedFile]) -> None:
        for file in files:
            if self.shows(file) and not os.path.exists(file.path):
                discard(file.path)


class _Store(NamedTuple):
    """The folder of the versions, by its open descriptor: nothing here goes by its path, which another
    user may have lead elsewhere by now. All of these raise OSError."""

    descriptor: int

    def write(self, files: Sequence[VersionedFile]) -> str:
        """A new version with these files, on the disk; gives its name."""
        version = str(max(self._numbers(), default=0) + 1)
        os.mkdir(version, 0o700, dir_fd=self.descriptor)
        try:
            folder = os.open(version, FOLDER, dir_fd=self.descriptor)
            try:
                os.fchmod(folder, 0o755)  # whatever the umask: what is in it has modes of its own
                for file in files:
                    if file.content is not None:
                        _create(folder, file, file.content)
                os.fsync(folder)
            finally:
                os.close(folder)
        except BaseException:
            self._remove(version)
            raise
        return version

    def point(self, name: str, version: str) -> None:
        _place(version, name, self.descriptor)

    def target(self, name: str) -> str:
        """The version that the link stands for; "" where there is no such link."""
        try:
            return os.readlink(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            return ""

    def remove_link(self, name: str) -> None:
        """Remove the link, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def prune(self) -> None:
        """Remove old versions, and those that a killed process or an undone installation has left."""
        current = int(self.target("current"))
        numbers = self._numbers()
        kept = {str(number) for number in numbers if number <= current}
        kept = {*sorted(kept, key=int)[-KEPT:], self.target("previous")}
        for version in {str(number) for number in numbers} - kept:
            self._remove(version)

    def _numbers(self) -> list[int]:
        return sorted(int(name) for name in os.listdir(self.descriptor) if name.isdecimal())

    def _remove(self, version: str) -> None:
        shutil.rmtree(version, ignore_errors=True, dir_fd=self.descriptor)


def as_it_is(file: VersionedFile) -> VersionedFile | None:
    """What stands at the file's path, if anything does. Raises DeployError."""
    with usable(file.path), suppress(FileNotFoundError), open_regular(file.path) as found:
        status = os.fstat(found.fileno())
        content = read_at_most(found, LARGEST_FILE)
        mode = stat.S_IMODE(status.st_mode)
        return file._replace(content=content, mode=mode, uid=status.st_uid, gid=status.st_gid)
    return None


def _create(folder: int, file: VersionedFile, content: bytes) -> None:
    """Write a file that nobody else can read until it has the owner, group and mode that it is to have."""
    with usable(file.path):
        descriptor = os.open(file.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with open(descriptor, "wb") as new:
            new.write(content)
            new.flush()
            os.fchown(descriptor, file.uid, file.gid)
            os.fchmod(descriptor, file.mode)  # whatever the umask
            os.fsync(descriptor)


def _place(target: str, name: str, folder: int) -> None:
    """Have a link of that name in the folder, in the place of whatever is there."""
    fresh = f".{name}.new"
    with suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=folder)  # of a process that was killed
    os.symlink(target, fresh, dir_fd=folder)
    os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


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
