"""Which files a target writes for a certificate: their paths, owners and modes, as its options say."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ....errors import ConfigError, DeployError
from ....options import Option, at, check_known
from ....providers._bridge import entries
from ._formats import FORMATS, PRIVATE
from .base import CertificateFiles

PUBLIC_LEAF = ("fullchain", "cert")  # what begins with the certificate, and has no key in it
OF_OTHERS, MAY_WRITE = 0o007, 0o002  # of a mode (chmod(2))
SEPARATE = ("fullchain", "privkey", "cert", "chain")  # what a directory has without another word


class FileLayout(NamedTuple):
    """The files that a target writes. ``paths``, ``modes``, ``owners`` and ``groups`` by the kind of file;
    those of owners and groups that nothing is said of are lacking. ``directory``: where the separate ones
    are, if they are in one."""

    directory: str
    paths: Mapping[str, str]
    modes: Mapping[str, int]
    owners: Mapping[str, str]
    groups: Mapping[str, str]


def layout_options(kinds: Collection[str] = tuple(FORMATS)) -> tuple[Option, ...]:
    """The options of a target that writes files of these kinds."""
    return (
        Option("directory", (), "folder of the four separate PEM files, and where relative paths start"),
        *(Option(kind, (), f"path of the {FORMATS[kind].help}") for kind in kinds),
        Option("owner", (), 'user that a file belongs to: owner.privkey = "postgres"', table=True),
        Option("group", (), 'group that a file belongs to: group.privkey = "ssl-cert"', table=True),
        Option("mode", (), 'mode of a file: mode.privkey = "0640"', table=True),
    )


def read_layout(options: Mapping[str, str]) -> FileLayout:
    """The layout that the options describe. Raises ConfigError."""
    owners, groups, modes = (_for_each(options, table) for table in ("owner", "group", "mode"))
    paths = _paths(options)
    return FileLayout(
        options.get("directory", ""),
        paths,
        {kind: _mode(kind, modes[kind]) if kind in modes else FORMATS[kind].mode for kind in paths},
        owners,
        groups,
    )


def places(options: Mapping[str, str]) -> dict[str, str]:
    """The path of each file as configured, unchecked."""
    directory = options.get("directory", "")
    names = {kind: form.name for kind, form in FORMATS.items() if directory and kind in SEPARATE}
    names |= {kind: options[kind] for kind in FORMATS if options.get(kind)}
    return {kind: os.path.normpath(os.path.join(directory, names[kind])) for kind in FORMATS if kind in names}


def lost(options: Mapping[str, str], name: str, fingerprint: str) -> list[str]:
    """Which files of the certificate are gone, or hold another one; no key is read."""
    paths = {kind: path.replace("{name}", name) for kind, path in places(options).items() if kind != "ocsp"}
    lines = {kind: _loss(path, fingerprint if kind in PUBLIC_LEAF else "") for kind, path in paths.items()}
    return [f"{paths[kind]} {line}" for kind, line in lines.items() if line]


def _loss(path: str, fingerprint: str) -> str:
    from ..certificate.leaf import leaf_in  # with it comes cryptography

    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "is gone"
    except OSError:
        return ""
    if not fingerprint or not os.access(path, os.R_OK):
        return ""
    try:
        return "" if leaf_in(path).fingerprint == fingerprint else "holds another certificate"
    except DeployError:
        return "holds no certificate any more"


def named(path: str, bundle: CertificateFiles) -> str:
    """The path with the certificate's name in the place of ``{name}``. Raises DeployError."""
    if "/" in bundle.name or bundle.name in ("", ".", ".."):
        raise DeployError(f"{bundle.name!r} cannot be a part of a path", "give the certificate another name")
    return path.replace("{name}", bundle.name)


def _paths(options: Mapping[str, str]) -> dict[str, str]:
    paths = places(options)
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
    configured = entries(options, table)
    with at(table):
        check_known("file", configured, list(FORMATS))
    return configured


def _mode(kind: str, octal: str) -> int:
    """A mode; the leading zero tells an octal number from the decimal one that TOML makes of 0o640."""
    if not re.fullmatch("0[0-7]{3}", octal):
        raise ConfigError(f"mode.{kind}: {octal!r} is no mode", f'for example mode.{kind} = "0640"')
    mode = int(octal, 8)
    if FORMATS[kind].mode == PRIVATE and mode & OF_OTHERS:
        raise ConfigError(
            f"mode.{kind}: {octal} gives the private key to every user",
            f'mode.{kind} = "0640", and group.{kind} for those who are to read it',
        )
    if mode & MAY_WRITE:
        raise ConfigError(
            f"mode.{kind}: {octal} lets every user change it", f'for example mode.{kind} = "0644"'
        )
    return mode
