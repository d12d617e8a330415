"""dehydrated's configuration, read as text: nothing of it is ever executed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from glob import glob
from typing import NamedTuple

FOLDERS = ("/etc/dehydrated", "/usr/local/etc/dehydrated")  # the first two where it looks itself

_SETTING = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$", re.MULTILINE)
_WORD = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s;#'"]+)""")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class Dehydrated(NamedTuple):
    """What its files say. ``files``: in the order of their reading, the main one first."""

    files: tuple[str, ...]
    settings: Mapping[str, str]

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
        if (text := read_text(path, root)) is not None:
            settings = {"BASEDIR": os.path.dirname(path)}
            _assign(text, settings)
            pattern = f"{_at(settings['CONFIG_D'], root)}/*.sh" if settings.get("CONFIG_D") else ""
            more = [f"{settings['CONFIG_D']}/{os.path.basename(file)}" for file in sorted(glob(pattern))]
            for file in more:
                _assign(read_text(file, root) or "", settings)
            return Dehydrated((path, *more), settings)
    return None


def certificates(config: Dehydrated, root: str = "/") -> list[tuple[str, ...]]:
    """The names of every certificate in domains.txt."""
    lines = (read_text(config.domains_txt, root) or "").splitlines()
    bare = (line.partition("#")[0].partition(">")[0].lower().split() for line in lines)
    return [tuple(names) for names in bare if names]


def read_text(path: str, root: str = "/") -> str | None:
    """The text of a file; None if there is none that this user may read."""
    try:
        with open(_at(path, root), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _at(path: str, root: str) -> str:
    return os.path.join(root, path.lstrip("/"))


def _assign(text: str, settings: dict[str, str]) -> None:
    for name, said in _SETTING.findall(text):
        settings[name] = _value(said, settings)


def _value(said: str, settings: Mapping[str, str]) -> str:
    """The word that the shell would assign: quotes removed, variables that are known put in."""
    parts = []
    position = 0
    while match := _WORD.match(said, position):
        single, double, bare = match.groups()
        text = re.sub(r"\\(.)", r"\1", double) if double is not None else bare
        parts.append(single if text is None else _VARIABLE.sub(lambda m: _known(m, settings), text))
        position = match.end()
    return "".join(parts)


def _known(match: re.Match[str], settings: Mapping[str, str]) -> str:
    return settings.get(match[1] or match[2], match[0])
