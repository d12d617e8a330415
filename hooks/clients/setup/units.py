"""systemd's units as systemd reads them: the file that counts, its drop-ins, what an empty value takes back.

systemd.unit(5), systemd.service(5), systemd.syntax(7).
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .text_files import beneath, find, read_text

UNITS = ("etc/systemd/system", "run/systemd/transient", "run/systemd/system", "usr/local/lib/systemd/system",
         "usr/lib/systemd/system", "lib/systemd/system")  # fmt: skip
MANAGER = ("etc/systemd/system.conf", "etc/systemd/system.conf.d/*.conf")
# Of a directory, by the key that makes it: where it is, and the variable that says so (systemd.exec(5)).
DIRECTORIES = {
    "RuntimeDirectory": ("/run", "RUNTIME_DIRECTORY"),
    "StateDirectory": ("/var/lib", "STATE_DIRECTORY"),
    "CacheDirectory": ("/var/cache", "CACHE_DIRECTORY"),
    "LogsDirectory": ("/var/log", "LOGS_DIRECTORY"),
    "ConfigurationDirectory": ("/etc", "CONFIGURATION_DIRECTORY"),
}

_CONTINUED = re.compile(r"\\\n(?:[^\S\n]*[#;].*\n)*")
_ASSIGNED = re.compile(r"^\s*([A-Za-z_]\w*)\s*=(.*)$", re.MULTILINE)


class Unit(NamedTuple):
    """One unit. ``files``: what it is made of, the main one first. ``settings``: the values of each
    "Section.Key", in their order, without what an empty one has taken back."""

    name: str
    files: tuple[str, ...]
    settings: Mapping[str, tuple[str, ...]]

    def every(self, key: str) -> tuple[str, ...]:
        """All values of a setting, in systemd's order; ``key``: with its section, as in Service.User."""
        return self.settings.get(key, ())

    def words(self, key: str) -> list[str]:
        """All values of a setting that is a list, and may be given several times."""
        return [word for value in self.every(key) for word in words(value)]

    def last(self, key: str) -> str:
        """The value that counts of a setting that has one; empty: it is not set."""
        return next(reversed(self.every(key)), "")

    def is_on(self, key: str) -> bool:
        """Whether the value that counts is one of systemd's words for yes (systemd.syntax(7))."""
        return self.last(key).lower() in ("1", "yes", "y", "true", "t", "on")

    def directories(self, key: str) -> list[str]:
        """The paths of StateDirectory= and its like."""
        return [f"{DIRECTORIES[key][0]}/{word.partition(':')[0]}" for word in self.words(f"Service.{key}")]


def words(value: str) -> list[str]:
    """Words as systemd takes a line apart; of one that it cannot, those between blanks."""
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def read_unit(name: str, root: str = "/", folders: Sequence[str] = UNITS) -> Unit | None:
    """The unit, a template's instance too; None if there is none. That it is masked is left aside."""
    template = re.sub(r"@.*(?=\.)", "@", name)
    candidates = (f"/{folder}/{spelt}" for spelt in dict.fromkeys((name, template)) for folder in folders)
    main = next((path for path in candidates if read_text(path, root) is not None), None)
    if main is None and not name.endswith(".slice"):  # which need no file of their own
        return None
    files = (*filter(None, (main,)), *_drop_ins(name, template, root, folders))
    if not files:
        return None
    settings: dict[str, list[str]] = {}
    for path in files:
        for key, value in _assignments(read_text(path, root) or ""):
            if value:
                settings.setdefault(key, []).append(_expanded(value, name))
            else:
                settings.pop(key, None)
    return Unit(name, files, {key: tuple(values) for key, values in settings.items()})


def is_masked(name: str, root: str = "/") -> bool:
    """Whether systemd is told to run it never: what counts is a link to /dev/null, or a file in which nothing
    stands (systemd.unit(5))."""
    paths = (beneath(f"{folder}/{name}", root) for folder in UNITS)
    path = next((path for path in paths if os.path.lexists(path)), "")
    if os.path.islink(path) and os.readlink(path) == "/dev/null":
        return True
    return os.path.isfile(path) and os.path.getsize(path) == 0


def drop_in(unit: str, *settings: str, section: str = "") -> str:
    """The step that changes a unit: a command, and what to write there, in the section of its kind if no
    other is named."""
    section = section or unit.rpartition(".")[2].capitalize()
    return "\n".join((f"systemctl edit {unit}", f"[{section}]", *settings))


def environment(unit: Unit, root: str = "/") -> dict[str, str]:
    """The variables that a service is started with."""
    manager = [read_text(path, root) or "" for pattern in MANAGER for path in find(pattern, root)]
    defaults = re.findall(r"^DefaultEnvironment=(.*)$", "\n".join(manager), re.MULTILINE)
    assignments = [word for value in (*defaults, *unit.every("Service.Environment")) for word in words(value)]
    found = dict(word.split("=", 1) for word in assignments if "=" in word)
    for file in environment_files(unit):
        for path in find(file.removeprefix("-"), root):
            found |= variables_of(read_text(path, root) or "")
    for key, (_, variable) in DIRECTORIES.items():
        if paths := unit.directories(key):
            found[variable] = ":".join(paths)
    for word in unit.words("Service.UnsetEnvironment"):
        found.pop(word.partition("=")[0], None)
    return found


def environment_files(unit: Unit) -> tuple[str, ...]:
    """The paths of a service's files of variables, with the ``-`` before one that need not be there."""
    return tuple(word for value in unit.every("Service.EnvironmentFile") for word in words(value)[:1])


def variables_of(text: str) -> dict[str, str]:
    """The assignments of a file of variables; neither systemd nor cron takes one behind ``export``."""
    return {name: value.strip().strip("\"'") for name, value in _ASSIGNED.findall(text)}


def _drop_ins(name: str, template: str, root: str, places: Sequence[str]) -> list[str]:
    """From service.d to NAME.service.d, by the names of the files; the same name nearer to the unit, or in
    /etc, takes the place of another, and a link to /dev/null leaves nothing there."""
    stem, _, kind = name.rpartition(".")
    shorter = [stem[: match.end()] for match in re.finditer("-", stem)]
    folders = [f"{kind}.d", *(f"{each}.{kind}.d" for each in shorter), f"{template}.d", f"{name}.d"]
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folders):
        for place in reversed(places):
            found |= {os.path.basename(path): path for path in find(f"{place}/{folder}/*.conf", root)}
    return [found[file] for file in sorted(found)]


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in map(str.strip, _CONTINUED.sub(" ", text).splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif not line.startswith(("#", ";")) and "=" in line:
            key, _, value = line.partition("=")
            yield f"{section}.{key.strip()}", value.strip()


def _expanded(value: str, name: str) -> str:
    """Its specifiers put in, as far as they are known here."""
    stem = name.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    known = {"i": instance, "I": instance, "n": name, "N": stem, "p": prefix, "P": prefix, "h": "/root"}
    known |= {"S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc", "t": "/run", "%": "%"}
    return re.sub(r"%(.)", lambda match: known.get(match[1], match[0]), value)
