"""A certificate in a running HAProxy, without a reload; and in its file, so that a restart has it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from ....errors import ConfigError, DeployError
from ....options import Option, seconds
from ....regular_file import open_regular, read_at_most
from ..folders import usable
from . import files
from ._crt_list import has_entry, with_entry, without_entry
from ._haproxy_api import Runtime
from ._layout import named
from .base import CertificateFiles

LARGEST_LIST = 1 << 20  # octets of the file

_SYNTAX = re.compile(r"[\s;\\<]")  # what separates HAProxy's commands, words and payloads


class Target:
    """The file is that of the target ``files``, which brings back the old one; what HAProxy has in memory
    follows it. A certificate that HAProxy does not know yet is added to ``crt_list``."""

    options: ClassVar[Sequence[Option]] = (
        Option("socket", (), "HAProxy's socket of the level admin: a path, or HOST:PORT", required=True),
        Option("file", (), "path of certificate, chain and key in one file", required=True),
        Option("certificate", (), "what HAProxy calls it (show ssl cert), if not by that path"),
        Option("crt_list", (), "crt-list or folder that bind names: one that HAProxy does not know is added"),
        Option("owner", (), "user that the file belongs to"),
        Option("group", (), "group that the file belongs to"),
        Option("mode", (), "mode of the file", default="0600"),
        Option("time_limit", (), "how many seconds HAProxy may take for each command", default="60"),
    )

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        return files.Target.places({"combined": options.get("file", "")})

    @staticmethod
    def lost(options: Mapping[str, str], name: str, fingerprint: str) -> Sequence[str]:
        return files.Target.lost({"combined": options.get("file", "")}, name, fingerprint)

    def __init__(self, options: Mapping[str, str]) -> None:
        file = {"combined": options["file"], "mode.combined": options["mode"]}
        file |= {f"{key}.combined": options[key] for key in ("owner", "group") if options.get(key)}
        self._files = files.Target(file)
        self._file = options["file"]
        self._name = options.get("certificate") or options["file"]
        self._crt_list = options.get("crt_list", "").rstrip("/")
        for name in (self._name, self._crt_list):
            if _SYNTAX.search(name) or name.startswith("*"):
                raise ConfigError(f"{name!r} cannot be a word to HAProxy", "write a path without spaces")
        self._runtime = Runtime(options["socket"], seconds(options["time_limit"], "time_limit"))

    def check(self, bundle: CertificateFiles) -> None:
        self._files.check(bundle)
        self._called(bundle)
        self._runtime.check_level()
        if not self._crt_list and self._runtime.show(self._called(bundle)) is None:
            raise DeployError(
                f"HAProxy does not know {self._called(bundle)}",
                "name the crt-list or the folder that bind names: crt_list = …; if it has another name there "
                '(show ssl cert): certificate = "…"',
            )

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        name = self._called(bundle)
        lines = [*self._files.changes(bundle)]
        shown = self._runtime.show(name)
        if shown is None or (self._crt_list and not shown.used):
            lines.append(f"HAProxy gets {name}, in {self._crt_list}")
        elif not shown.holds(bundle.cert):
            lines.append(f"HAProxy gets {name} without a reload")
        if self._is_list and not has_entry(self._crt_list, name):
            lines.append(f"{self._crt_list} gets a line for {name}")
        return lines

    def install(self, bundle: CertificateFiles) -> None:
        if self._files.changes(bundle):
            self._files.install(bundle)
        try:
            self._serve(
                self._called(bundle), (bundle.fullchain + bundle.key).decode("ascii", "replace"), bundle
            )
            if self._is_list:
                with_entry(self._crt_list, self._called(bundle))
        except DeployError as error:
            try:
                self.undo(bundle)
            except DeployError as worse:
                raise DeployError(
                    f"{error}; and what was there before could not be brought back: {worse}", error.hint
                ) from None
            raise DeployError(f"{error}; what was there before is back", error.hint) from None

    def undo(self, bundle: CertificateFiles) -> None:
        self._files.undo(bundle)
        name, before = self._called(bundle), self._content(bundle)
        shown = self._runtime.show(name)
        if before is None:
            if self._is_list:
                without_entry(self._crt_list, name)
            if shown is not None and self._crt_list:
                self._runtime.remove(self._crt_list, name)
        elif shown is not None and not shown.holds(before):
            self._runtime.replace(name, before.decode("ascii", "replace"))

    def commit(self, bundle: CertificateFiles) -> None:
        self._files.commit(bundle)

    def _serve(self, name: str, pem: str, bundle: CertificateFiles) -> None:
        """Have HAProxy serve it, and see that it does."""
        shown = self._runtime.show(name)
        if shown is None:
            self._runtime.create(name)
        self._runtime.replace(name, pem)
        if self._crt_list and not (shown and shown.used):
            self._runtime.add(self._crt_list, name)
        shown = self._runtime.show(name)
        if shown is None or not shown.holds(bundle.cert):
            raise DeployError(
                f"HAProxy has another certificate for {name} than the one that was committed",
                "see who else changes it: show ssl cert",
            )

    def _called(self, bundle: CertificateFiles) -> str:
        """Its name in HAProxy, which is one word of its commands. Raises DeployError."""
        name = named(self._name, bundle)
        if _SYNTAX.search(name):
            raise DeployError(f"{name!r} cannot be a word to HAProxy", "give the certificate another name")
        return name

    @property
    def _is_list(self) -> bool:
        """Whether a file has a line for each certificate; a folder has the certificates themselves."""
        return bool(self._crt_list) and not os.path.isdir(self._crt_list)

    def _content(self, bundle: CertificateFiles) -> bytes | None:
        path = named(self._file, bundle)
        with usable(path), suppress(FileNotFoundError), open_regular(path) as file:
            return read_at_most(file, LARGEST_LIST)
        return None
