"""Programs that run another one as another user: sudo, doas, su, runuser, setpriv, gosu and the like."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# The options by which each takes the user. Without one, those of ROOTS run what follows as root.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "sudo": ("-u", "--user"),
    "doas": ("-u",),
    "runuser": ("-u", "--user"),
    "setpriv": ("--reuid",),
    "chpst": ("-u",),
    "systemd-run": ("--uid",),
}
FIRST_WORD = ("gosu", "su-exec", "setuidgid", "s6-setuidgid")  # which have the user in front of the command
SHELLS = ("su", "runuser")  # which have it as their first word, and the command behind -c
ROOTS = ("sudo", "doas", *SHELLS)
_VALUED_OF_SHELLS = ("-c", "--command", "-s", "--shell", "-g", "--group", "-G", "-w")


class UserSwitch(NamedTuple):
    """One of these in front of a command. ``user``: whom it runs that as, by name or number, with the ``$``
    of what only a shell knows; ``command``: its words, of a text for a shell one. ``own``: the words between
    the two."""

    program: str
    user: str
    command: Sequence[str]
    own: Sequence[str] = ()

    @property
    def is_plain_sudo(self) -> bool:
        """Whether it is a sudo that runs the command itself, no shell, and is given no password."""
        odd = (
            word
            for word in self.own
            if re.fullmatch(r"-[a-zA-Z]*[SAis]|--(?:stdin|askpass|login|shell)", word)
        )
        return self.program == "sudo" and not any(odd)


def switch(program: str, own: Sequence[str], command: Sequence[str]) -> UserSwitch | None:
    """The switch that a program is, if it is one. ``own``: the words between it and the command."""
    user = _named(own, OPTIONS.get(program, ()))
    if program in FIRST_WORD:
        user = next(iter(own), "")
    elif not user and program in SHELLS:
        user = _first_operand(own)
    if user or program in ROOTS:
        return UserSwitch(program, re.split(r"[:.]", user.lstrip("#"))[0] or "root", command, own)
    return None


def _named(words: Sequence[str], options: Sequence[str]) -> str:
    for place, word in enumerate(words):
        for option in options:
            if word == option:
                return "".join(words[place + 1 : place + 2])
            joined = f"{option}=" if option.startswith("--") else option
            if word.startswith(joined):
                return word.removeprefix(joined)
            if option == "-u" and re.fullmatch(r"-[A-Zabeikns]+u", word):  # sudo -nu acme
                return "".join(words[place + 1 : place + 2])
    return ""


def _first_operand(words: Sequence[str]) -> str:
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in _VALUED_OF_SHELLS else 1
    return os.path.basename("".join(words[place : place + 1]))
