"""The certbot that the clock runs, as it is installed: its plugins and its options, read in its own files.

Nothing of it is run. What cannot be found out counts as there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ......clients.setup.text_files import beneath, find, read_text

PLACES = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3*/dist-packages",
          "lib/python3/dist-packages", "local/lib/python3*/dist-packages",
          "local/lib/python3*/site-packages")  # fmt: skip
SNAP = "/snap/certbot/current"
OF_OPTIONS = ("_internal/cli/*.py", "_internal/*.py", "_internal/plugins/*.py", "plugins/*.py")
MOST_LINKS = 8
OWN = ("manual", "null", "standalone", "webroot")  # the plugins that are a part of certbot

_SECTION = re.compile(r"^\[certbot\.plugins\]\n((?:(?!\[).*\n?)*)", re.MULTILINE)
_PLUGIN = re.compile(r"^\s*([\w.:-]+)\s*=", re.MULTILINE)
_OPTION = re.compile(r"""["']--([a-z][\w-]*)["']""")
_QUOTED = re.compile(r"""["']([a-z][\w-]*)["']""")


class Installed(NamedTuple):
    """``plugins``: by the names that certbot knows them by; ``options``: its own, without dashes in front.
    ``words``: whatever stands in quotes in the files of its own plugins."""

    plugins: frozenset[str]
    options: frozenset[str]
    words: frozenset[str]

    def knows(self, option: str) -> bool:
        """Whether it takes an option, or a beginning that stands for it; those of plugins begin with the
        plugin's name, and what others than certbot's own add is not known from here."""
        name = option.lstrip("-").replace("_", "-").lower()
        if any(each.startswith(name) for each in self.options):
            return True
        of = [plugin for plugin in self.plugins if name.startswith(f"{plugin}-")]
        return any(plugin not in OWN or name.removeprefix(f"{plugin}-") in self.words for plugin in of)


@lru_cache(maxsize=16)
def installed(program: str, root: str) -> Installed | None:
    """What the program finds of Python's packages; None where it is not known which they are."""
    places = [f"{prefix}/{place}" for prefix in _prefixes(program, root) for place in PLACES]
    folders = [folder for place in places for folder in find(place, root)]
    folders += [line for folder in folders for line in _added(folder, root)]
    core = next((folder for folder in folders if find(f"{folder}/certbot/_internal/cli/*.py", root)), "")
    plugins = {name for folder in folders for name in _plugins(folder, root)}
    if not core or "manual" not in plugins:
        return None
    texts = {
        pattern: "\n".join(read_text(path, root) or "" for path in find(f"{core}/certbot/{pattern}", root))
        for pattern in OF_OPTIONS
    }
    options = frozenset(_OPTION.findall("\n".join(texts.values())))
    words = frozenset(_QUOTED.findall("\n".join(texts[pattern] for pattern in OF_OPTIONS[2:])))
    return Installed(frozenset(plugins), options, words) if "manual" in options else None


def _prefixes(program: str, root: str) -> Iterator[str]:
    """Where the program's Python has its packages: its first line says which that is. A virtual environment
    that takes the system's as well is not taken apart."""
    path = program
    for _ in range(MOST_LINKS):
        if path.startswith("/snap/bin/"):
            yield from (SNAP, *find("/snap/certbot-*/current", root))
            return
        file = beneath(path, root)
        if not os.path.islink(file):
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(file)))
    named = re.match(r"#!\s*(/\S+/bin)/python[\d.]*\s", read_text(path, root) or "")
    if not named:
        return
    prefix = os.path.dirname(named[1])
    config = read_text(f"{prefix}/pyvenv.cfg", root)
    if not re.search(r"include-system-site-packages\s*=\s*true", config or "", re.IGNORECASE):
        yield from (prefix, *(() if config else ("/root/.local",)))


def _plugins(folder: str, root: str) -> Iterator[str]:
    """The names of a folder's plugins, as its packages say them; in old ones behind the package's name."""
    for path in find(f"{folder}/*-info/entry_points.txt", root):
        for section in _SECTION.findall(read_text(path, root) or ""):
            yield from (name.rpartition(":")[2] for name in _PLUGIN.findall(section))


def _added(folder: str, root: str) -> list[str]:
    """The folders that its .pth files add, as for a package that is still being worked on."""
    texts = (read_text(path, root) or "" for path in find(f"{folder}/*.pth", root))
    return [line.strip() for text in texts for line in text.splitlines() if line.startswith("/")]
