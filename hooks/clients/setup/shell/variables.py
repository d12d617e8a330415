"""The variables that a shell's commands leave to the programs that they run, by the files that they read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..text_files import read_text
from .calls import SHELLS
from .commands import BEFORE_ASSIGNMENTS, ShellCommand, assigned, commands, expanded

NESTED = 5  # files that read files
ALWAYS_THERE = ("PATH", "HOME", "SHELL", "USER", "LOGNAME", "LANG", "TERM", "TZ")  # and so exported


class Withheld(NamedTuple):
    """A variable that is set, and does not reach what is run. ``path``: where; ``why``, behind that path; and
    the step that mends it."""

    path: str
    why: str
    step: str


class Variables(NamedTuple):
    """``exported``: what programs get. ``withheld``: what they do not. ``complete``: no others are, as from a
    file that cannot be read."""

    exported: Mapping[str, str]
    withheld: Mapping[str, Withheld]
    complete: bool


def variables_after(text: str, path: str, environ: Mapping[str, str], root: str = "/") -> Variables:
    """What there is behind all of a script's commands. ``path``: of what has the text; ``environ``: what it
    is given."""
    shell = _Shell(environ, root)
    shell.run(text, path)
    return shell.variables()


class _Shell:
    def __init__(self, environ: Mapping[str, str], root: str) -> None:
        self._root = root
        self._values = dict(environ)
        self._exported = {*environ, *ALWAYS_THERE}
        self._origins: dict[str, str] = {}
        self._spaced: dict[str, str] = {}  # blanks around the =, by the file
        self._exports_all = False
        self._complete = True
        self._depth = 0

    def run(self, text: str, path: str) -> None:
        self._depth += 1
        for command in commands(text):
            self._command(command, path)
        self._depth -= 1

    def variables(self) -> Variables:
        withheld = {
            name: Withheld(
                path,
                f"sets {name}, and does not export it",
                f"in {path}, write export {name}=… in the place of {name}=…",
            )
            for name, path in self._origins.items()
            if name not in self._exported
        }
        for name, path in self._spaced.items():
            step = f"in {path}, write {name}=… without blanks around the ="
            why = f"has blanks around the = of {name}, which makes a program's name of it"
            withheld[name] = Withheld(path, why, step)
        exported = {name: value for name, value in self._values.items() if name in self._exported}
        return Variables(exported, withheld, self._complete)

    def _command(self, command: ShellCommand, path: str) -> None:
        if spaced := command.spaced():
            self._spaced[spaced] = path
        name, *words = (expanded(word, self._values) for word in command.words)
        if name in (".", "source"):
            self._source(words)
        elif name == "eval":
            self._complete = False
        elif name == "set":
            self._set(words)
        elif name == "unset":
            for each in words:
                self._values.pop(each, None)
        elif name in BEFORE_ASSIGNMENTS:
            self._declare(name, words)
        elif os.path.basename(name) in SHELLS and self._depth < NESTED:
            for option, text in pairwise(words):
                if re.fullmatch(r"-[a-z]*c", option):
                    self.run(text, path)
        for assignment in command.assignments:
            self._values[assignment.name] = assigned(assignment, self._values)
            self._origins[assignment.name] = path
            if self._exports_all:
                self._exported.add(assignment.name)

    def _source(self, words: Sequence[str]) -> None:
        file = words[0] if words else ""
        text = read_text(file, self._root) if file.startswith("/") and self._depth < NESTED else None
        if text is None:
            self._complete = False
        else:
            self.run(text, file)

    def _set(self, words: Sequence[str]) -> None:
        for word, following in zip(words, [*words[1:], ""], strict=True):
            by_name = following == "allexport" and re.fullmatch(r"[-+]\w*o", word)
            if by_name or re.fullmatch(r"[-+]\w*a\w*", word):
                self._exports_all = word.startswith("-")

    def _declare(self, name: str, words: Sequence[str]) -> None:
        if name == "export" or any(re.fullmatch(r"-\w*x\w*", word) for word in words):
            self._exported.update(word.partition("=")[0] for word in words)
            if any(re.match(r"[$`]", word) for word in words):
                self._complete = False  # export $(cat FILE)
