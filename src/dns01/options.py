"""Options: what a provider or a target can be told, and how a value is checked and refused.

All checks raise ConfigError; ``at`` puts the place in front of its message.
"""

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from .errors import ConfigError, UsageError

# Of a command line: what is quoted; a word that only a shell makes something else of (a character in the
# midst of a word, as & is in an address, may be meant as it is); a variable that is set for one command.
QUOTED = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
FOR_A_SHELL = re.compile(r"^\|\|?$|[;&]$|^\d?>|^&>|^<|(^|[=:/])\$[\w{]|\$\(|`|^~/")
OWN_VARIABLE = re.compile(r"\$\{?DNS01_")
SHELLS = ("sh", "bash", "dash", "ash", "zsh", "ksh", "su", "ssh")  # ssh: that of another machine
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class Option(NamedTuple):
    """One setting of a provider or a target: its key in the TOML file and its environment variables, the
    first of which is the one to document (lego's name where lego has one).

    A ``table`` has entries whose names are up to the user. The provider is given each of them as
    TOML dots it, ``key.entry``; its one variable ends with ``*`` in the place of the entry, and
    ``{api}`` in it stands for what the option ``api`` says, in upper case.
    """

    key: str
    env: tuple[str, ...]
    help: str
    required: bool = False
    secret: bool = False
    default: str = ""  # "{state}" stands for the state folder
    table: bool = False


@contextmanager
def at(place: str) -> Iterator[None]:
    """Put the place before the message of a ConfigError or a UsageError that is raised in the block."""
    try:
        yield
    except (ConfigError, UsageError) as error:
        kind = type(error) if isinstance(error, ConfigError) else ConfigError
        raise kind(f"{place}: {error}", error.hint) from error.__cause__


def check_known(
    what: str, words: Iterable[str], known: Sequence[str], elsewhere: Mapping[str, str] | None = None
) -> None:
    """Refuse the first of the words that is not known, and name the nearest that is; ``elsewhere``: what a
    known word is called in other places."""
    for word in words:
        if word not in known:
            if ours := (elsewhere or {}).get(word):
                raise ConfigError(
                    f"unknown {what} {word!r}: here, that is {ours!r}", f"write {ours} in its place"
                )
            from difflib import get_close_matches

            near = get_close_matches(word, known, 1, 0.5)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"unknown {what} {word!r}{guess}", f"those that are known: {', '.join(known)}")


def text(value: object) -> str:
    """A string that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ConfigError(f"{value!r} is not a string with something in it", 'write it as "…"')


def words(value: object) -> tuple[str, ...]:
    """An argument list; a string is split as a shell would do it, but none is called: what only a shell
    would understand (``a && b``, ``$HOME``, ``> file``) is refused, unless it is quoted or in a list."""
    try:
        split = shlex.split(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ConfigError(f"{value!r} cannot be split into words: {error}", "see to its quotes") from None
    if not (isinstance(split, list) and split and all(isinstance(word, str) for word in split)):
        raise ConfigError(f"{value!r} is no command", 'write "nginx -t" or ["nginx", "-t"]')
    line = value if isinstance(value, str) else ""
    if found := _for_a_shell(line) or _own_variable(split):
        in_toml = json.dumps(f"sh -c {shlex.quote(line or '…')}", ensure_ascii=False)
        raise ConfigError(
            f"{value!r}: {found} is for a shell, and no shell is called",
            f"write {in_toml}, or the path of a script",
        )
    return tuple(split)


def _for_a_shell(line: str) -> str:
    """The first word of a command line that only a shell makes something else of; empty if there is none."""
    for number, word in enumerate(QUOTED.sub("x", line).split()):
        if FOR_A_SHELL.search(word) or (number == 0 and ASSIGNMENT.match(word)):
            return word
    return ""


def _own_variable(argv: Sequence[str]) -> str:
    """The first word with a variable of ours that nobody will replace; empty if there is none."""
    if any(os.path.basename(word) in SHELLS for word in argv):
        return ""
    return next((word for word in argv if OWN_VARIABLE.search(word)), "")


def seconds(text: str, variable: str) -> float:
    """A time limit in seconds."""
    with suppress(ValueError):
        if 0 < (limit := float(text)) <= 3000:
            return limit
    raise ConfigError(f"{text!r} is no time limit", f"{variable} is in seconds, 3000 at most")
