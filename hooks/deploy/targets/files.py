"""Files that services read: separate PEMs, one combined PEM, PKCS#12, an OCSP response beside them.

All of them change at one instant (``versions``), and nobody can read a key, not for an instant,
who is not meant to. ``{name}`` in a path stands for the certificate's name.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from ....errors import ConfigError, DeployError
from ....options import Option
from ..folders import is_link_of_others, make_folder
from ..versioned_files import VersionedFile, Versions, as_it_is
from ._formats import FORMATS, content_of, may_be_replaced
from ._layout import layout_options, lost, named, places, read_layout
from .base import CertificateFiles

NOBODYS = (1 << 32) - 1  # the number that chown(2) takes for none


class Target:
    """The files of one certificate."""

    options: ClassVar[Sequence[Option]] = (
        *layout_options(),
        Option("password", (), "password of the PKCS#12 file", secret=True),
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        return list(places(options).values())

    @staticmethod
    def lost(options: Mapping[str, str], name: str, fingerprint: str) -> Sequence[str]:
        return lost(options, name, fingerprint)

    def __init__(self, options: Mapping[str, str]) -> None:
        self._layout = read_layout(options)
        self._password = options.get("password", "").encode()
        if "pkcs12" in self._layout.paths and not self._password:
            raise ConfigError("a PKCS#12 file needs a password", 'write password = { file = "…" } below it')

    def check_accounts(self) -> None:
        try:
            for kind in self._layout.paths:
                self._ids(kind)
        except DeployError as error:
            raise ConfigError(str(error), error.hint) from None

    def check(self, bundle: CertificateFiles) -> None:
        """Every user, every group and every folder has to be there; but the directory is made, if
        the one that it is to be in is there."""
        made = named(self._layout.directory, bundle)
        files = self._files(bundle)
        versions = Versions(files[0].path)
        sources = _sources(bundle)
        for file in files:
            if _entry(file.path) in sources:
                raise DeployError(
                    f"{file.path} is the client's own file: its next renewal would be lost",
                    'write another path; for a service that reads the client\'s own: to = "command"',
                )
            folder = os.path.dirname(file.path)
            if not os.path.isdir(os.path.dirname(folder) if folder == made else folder):
                raise DeployError(f"there is no folder {folder}", f"make it: install -d {folder}")
            if not is_link_of_others(file.path) and not versions.shows(file):
                _check_replaced(file)

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        files = self._files(bundle)
        versions = Versions(files[0].path)
        return [f"{file.path}: {line}" for file in files for line in _differences(file, versions.shows(file))]

    def install(self, bundle: CertificateFiles) -> None:
        files = self._files(bundle)
        if self._layout.directory:
            make_folder(named(self._layout.directory, bundle))
        Versions(files[0].path).install(files)

    def undo(self, bundle: CertificateFiles) -> None:
        files = self._files(bundle)
        Versions(files[0].path).undo(files)

    def commit(self, bundle: CertificateFiles) -> None:
        Versions(self._files(bundle)[0].path).commit()

    def _files(self, bundle: CertificateFiles) -> list[VersionedFile]:
        return [self._file(kind, named(path, bundle), bundle) for kind, path in self._layout.paths.items()]

    def _file(self, kind: str, path: str, bundle: CertificateFiles) -> VersionedFile:
        uid, gid = self._ids(kind)
        file = VersionedFile(FORMATS[kind].name, path, None, self._layout.modes[kind], uid, gid)
        found = as_it_is(file)
        present = found.content if found and found.content else b""
        return file._replace(content=content_of(kind, bundle, self._password, present))

    def _ids(self, kind: str) -> tuple[int, int]:
        """The numbers of the file's user and group. Raises DeployError."""
        return (
            _id("user", self._layout.owners.get(kind, ""), lambda name: pwd.getpwnam(name).pw_uid),
            _id("group", self._layout.groups.get(kind, ""), lambda name: grp.getgrnam(name).gr_gid),
        )


def _id(what: str, name: str, find: Callable[[str], int]) -> int:
    """The number of a user or a group, -1 where none is named. Raises DeployError."""
    if not name:
        return -1
    try:
        return _number(name) if name.isdecimal() else find(name)
    except (KeyError, ValueError):  # ValueError: it has a null in it
        raise DeployError(
            f"there is no {what} {name!r} on this machine", f"see getent {what.replace('user', 'passwd')}"
        ) from None


def _number(text: str) -> int:
    """Raises ValueError for what is no number of a user or a group (chown(2) has 32 bits)."""
    if (number := int(text[:11])) >= NOBODYS:
        raise ValueError
    return number


def _sources(bundle: CertificateFiles) -> set[str]:
    """The directory entries that the client writes to: those that it names, and what these lead to."""
    certificate = bundle.facts.certificate
    named = (certificate.key, certificate.cert, certificate.fullchain, certificate.chain)
    paths = [path for path in (*named, certificate.csr, certificate.ocsp) if path]
    return {*map(_entry, paths), *map(os.path.realpath, paths)}


def _entry(path: str) -> str:
    """The path with the links in its folder resolved, but not what stands there itself."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _check_replaced(file: VersionedFile) -> None:
    """Refuse to take the place of a file that has nothing to do with certificates, by its name or content."""
    found = as_it_is(file)
    if found and not may_be_replaced(file.path, found.content or b""):
        raise DeployError(
            f"{file.path} holds something else than a certificate or its key",
            "see that the path is right; if it is, move the file away (mv)",
        )


def _differences(file: VersionedFile, linked: bool) -> list[str]:
    found = as_it_is(file)
    if file.content is None:
        return ["goes: there is none for this certificate"] if found and linked else []
    if not found:
        return ["is made"]
    return [
        line
        for differs, line in (
            (not linked, "becomes a link; what is there is kept beside it"),
            (found.content != file.content, "gets another content"),
            (found.mode != file.mode, f"gets mode {file.mode:04o} instead of {found.mode:04o}"),
            (file.uid not in (-1, found.uid), f"gets the owner {file.uid} instead of {found.uid}"),
            (file.gid not in (-1, found.gid), f"gets the group {file.gid} instead of {found.gid}"),
        )
        if differs
    ]
