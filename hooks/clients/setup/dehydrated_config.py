"""dehydrated's configuration, read as text: nothing of it is ever executed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from .shell.commands import ShellCommand, assigned, commands, expanded
from .text_files import beneath, read_text

FOLDERS = ("/etc/dehydrated", "/usr/local/etc/dehydrated")  # the first two where it looks itself
MOST_FILES = 100
OVERRIDABLE = (
    "KEY_ALGO", "KEYSIZE", "OCSP_MUST_STAPLE", "OCSP_FETCH", "OCSP_DAYS", "CHALLENGETYPE", "HOOK",
    "HOOK_CHAIN", "PRIVATE_KEY_RENEW", "PRIVATE_KEY_ROLLOVER", "PREFERRED_CHAIN", "WELLKNOWN", "OPENSSL_CNF",
    "RENEW_DAYS", "ACME_PROFILE",
)  # fmt: skip


class Dehydrated(NamedTuple):
    """What its files say. ``files``: in the order of their reading, the main one first. ``origins``: the
    file that each setting is from. ``uncertain``: what is set within a condition or a function."""

    files: tuple[str, ...]
    settings: Mapping[str, str]
    origins: Mapping[str, str] = {}
    uncertain: frozenset[str] = frozenset()

    @property
    def domains_txt(self) -> str:
        """The path of the file that lists the certificates."""
        return self.settings.get("DOMAINS_TXT") or f"{self.settings['BASEDIR']}/domains.txt"


def read_config(environ: Mapping[str, str], root: str = "/") -> Dehydrated | None:
    """The configuration that $CONFIG names, or that is where dehydrated looks for one; None where
    there is none that can be read. A value that only a shell can tell keeps its ``$``.

    ``root``: the folder that stands for /.
    """
    candidates = [environ.get("CONFIG", ""), *(f"{folder}/config" for folder in FOLDERS)]
    for path in filter(None, candidates):
        if read_text(path, root) is not None:
            reading = _Reading(root, {"BASEDIR": os.path.dirname(path)})
            reading.take(path)
            if folder := reading.settings.get("CONFIG_D", ""):
                from glob import glob

                for file in sorted(glob(f"{beneath(folder, root)}/*.sh")):
                    reading.take(f"{folder}/{os.path.basename(file)}")
            return reading.result()
    return None


def settings_in(path: str, root: str = "/") -> Mapping[str, str]:
    """What one file would set, by itself."""
    reading = _Reading(root, {})
    reading.take(path)
    return reading.settings


def config_of(config: Dehydrated, names: Sequence[str], alias: str, root: str = "/") -> Dehydrated:
    """The configuration as it is for one certificate: a file of its own may override some settings."""
    settings = config.settings
    certificates_folder = settings.get("CERTDIR") or f"{settings['BASEDIR']}/certs"
    own = f"{certificates_folder}/{alias}/config"
    if domains := settings.get("DOMAINS_D"):
        own = f"{domains}/{alias}"
    if not names or read_text(own, root) is None:
        return config
    reading = _Reading(root, dict(settings), dict(config.origins), set(config.uncertain), [*config.files])
    reading.take(own, OVERRIDABLE)
    return reading.result()


def lines(config: Dehydrated, root: str = "/") -> list[tuple[tuple[str, ...], str]]:
    """The names and the alias of every certificate in domains.txt."""
    found = []
    for line in (read_text(config.domains_txt, root) or "").splitlines():
        text, _, alias = line.partition("#")[0].lower().partition(">")
        if names := tuple(text.split()):
            found.append((names, alias.strip() or names[0].replace("*.", "_.", 1)))
    return found


def certificates(config: Dehydrated, root: str = "/") -> list[tuple[str, ...]]:
    """The names of each certificate in domains.txt, the aliases left out."""
    return [names for names, _ in lines(config, root)]


class _Reading:
    """Files read one after the other, as a shell would assign; what it would run is not known."""

    def __init__(
        self,
        root: str,
        settings: dict[str, str],
        origins: dict[str, str] | None = None,
        uncertain: set[str] | None = None,
        files: list[str] | None = None,
    ) -> None:
        self.settings = settings
        self._root = root
        self._origins = origins or {}
        self._uncertain = uncertain or set()
        self._files = files or []

    def take(self, path: str, only: Collection[str] = (), *, certain: bool = True) -> None:
        """Read one more file; ``only``: the settings that count in it; ``certain``: it is read for sure."""
        if path in self._files or len(self._files) >= MOST_FILES:
            return
        self._files.append(path)
        for command in commands(read_text(path, self._root) or ""):
            self._command(path, command, only, certain=certain and command.certain)

    def result(self) -> Dehydrated:
        return Dehydrated(tuple(self._files), self.settings, self._origins, frozenset(self._uncertain))

    def _command(self, path: str, command: ShellCommand, only: Collection[str], *, certain: bool) -> None:
        name, *words = command.words
        if name in (".", "source") and words:
            file = expanded(words[0], self.settings)
            if file.startswith("/") and (certain or read_text(file, self._root) is not None):
                self.take(file, certain=certain)
        elif name == "unset" and certain:
            for each in {*words} - {"BASEDIR"}:
                self.settings.pop(each, None)
        for assignment in command.assignments:
            if not only or assignment.name in only:
                self.settings[assignment.name] = assigned(assignment, self.settings)
                self._origins[assignment.name] = path
                self._uncertain.discard(assignment.name)
                if not certain:
                    self._uncertain.add(assignment.name)
