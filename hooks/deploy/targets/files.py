"""Files that services read: separate PEMs, one combined PEM, PKCS#12, an OCSP response beside them.

All of them change at one instant (``versions``), and nobody can read a key, not for an instant,
who is not meant to. ``{name}`` in a path stands for the certificate's name.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from ....errors import ConfigError, DeployError
from ....options import Option, at, check_known
from ....providers._bridge import entries
from ..folders import make_folder
from ..versions import File, Versions, as_it_is
from ._formats import FORMATS, content_of
from .base import CertificateFiles

SEPARATE = ("fullchain", "privkey", "cert", "chain")  # what a directory has without another word


class Target:
    """The files of one certificate."""

    options: ClassVar[Sequence[Option]] = (
        Option("directory", (), "folder of the four separate PEM files, and where relative paths start"),
        *(Option(kind, (), f"path of the {form.help}") for kind, form in FORMATS.items()),
        Option("password", (), "password of the PKCS#12 file", secret=True),
        Option("owner", (), 'user that a file belongs to: owner.privkey = "postgres"', table=True),
        Option("group", (), 'group that a file belongs to: group.privkey = "ssl-cert"', table=True),
        Option("mode", (), 'mode of a file: mode.privkey = "0640"', table=True),
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        return list(_places(options).values())

    def __init__(self, options: Mapping[str, str]) -> None:
        self._directory = options.get("directory", "")
        self._paths = _paths(options)
        self._owner, self._group, mode = (_for_each(options, table) for table in ("owner", "group", "mode"))
        self._mode = {kind: _mode(kind, said) for kind, said in mode.items()}
        self._password = options.get("password", "").encode()
        if "pkcs12" in self._paths and not self._password:
            raise ConfigError("a PKCS#12 file needs a password", 'write password = { file = "…" } below it')

    def check(self, bundle: CertificateFiles) -> None:
        """Every user, every group and every folder has to be there; but the directory is made, if
        the one that it is to be in is there."""
        made = self._directory and _named(self._directory, bundle)
        for file in self._files(bundle):
            folder = os.path.dirname(file.path)
            if not os.path.isdir(os.path.dirname(folder) if folder == made else folder):
                raise DeployError(f"there is no folder {folder}", f"make it: install -d {folder}")

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        files = self._files(bundle)
        versions = Versions(files[0].path)
        return [f"{file.path}: {line}" for file in files for line in _differences(file, versions.shows(file))]

    def install(self, bundle: CertificateFiles) -> None:
        files = self._files(bundle)
        if self._directory:
            make_folder(_named(self._directory, bundle))
        Versions(files[0].path).install(files)

    def undo(self, bundle: CertificateFiles) -> None:
        files = self._files(bundle)
        Versions(files[0].path).undo(files)

    def settle(self, bundle: CertificateFiles) -> None:
        Versions(self._files(bundle)[0].path).settle()

    def _files(self, bundle: CertificateFiles) -> list[File]:
        return [self._file(kind, _named(path, bundle), bundle) for kind, path in self._paths.items()]

    def _file(self, kind: str, path: str, bundle: CertificateFiles) -> File:
        form = FORMATS[kind]
        uid = _id("user", self._owner.get(kind, ""), lambda name: pwd.getpwnam(name).pw_uid)
        gid = _id("group", self._group.get(kind, ""), lambda name: grp.getgrnam(name).gr_gid)
        file = File(form.name, path, None, self._mode.get(kind, form.mode), uid, gid)
        found = as_it_is(file)
        present = found.content if found and found.content else b""
        return file._replace(content=content_of(kind, bundle, self._password, present))


def _places(options: Mapping[str, str]) -> dict[str, str]:
    """Where each file goes, whatever comes of that."""
    directory = options.get("directory", "")
    names = {kind: form.name for kind, form in FORMATS.items() if directory and kind in SEPARATE}
    names |= {kind: options[kind] for kind in FORMATS if options.get(kind)}
    return {kind: os.path.normpath(os.path.join(directory, names[kind])) for kind in FORMATS if kind in names}


def _paths(options: Mapping[str, str]) -> dict[str, str]:
    """The same, if it can be done. Raises ConfigError."""
    paths = _places(options)
    if not paths:
        raise ConfigError("it says no path", 'write directory = "…", or where each file goes: combined = "…"')
    for kind, path in paths.items():
        if not os.path.isabs(path):
            raise ConfigError(f"{kind}: {path!r} starts nowhere", "write a path that begins with /")
        if list(paths.values()).count(path) > 1:
            raise ConfigError(f"{kind}: {path} is another file's place already", "write another path")
    return paths


def _for_each(options: Mapping[str, str], table: str) -> dict[str, str]:
    """What a table says for each kind of file. Raises ConfigError."""
    said = entries(options, table)
    with at(table):
        check_known("file", said, list(FORMATS))
    return said


def _mode(kind: str, said: str) -> int:
    """A mode; the leading zero tells an octal number from the decimal one that TOML makes of 0o640."""
    if re.fullmatch("0[0-7]{3}", said):
        return int(said, 8)
    raise ConfigError(f"mode.{kind}: {said!r} is no mode", f'for example mode.{kind} = "0640"')


def _named(path: str, bundle: CertificateFiles) -> str:
    if "/" in bundle.name or bundle.name in ("", ".", ".."):
        raise DeployError(f"{bundle.name!r} cannot be a part of a path", "give the certificate another name")
    return path.replace("{name}", bundle.name)


def _id(what: str, name: str, find: Callable[[str], int]) -> int:
    """The number of a user or a group, -1 where none is named. Raises DeployError."""
    if not name:
        return -1
    try:
        return int(name) if name.isdecimal() else find(name)
    except KeyError:
        raise DeployError(
            f"there is no {what} {name!r} on this machine", f"see getent {what.replace('user', 'passwd')}"
        ) from None


def _differences(file: File, linked: bool) -> list[str]:
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
