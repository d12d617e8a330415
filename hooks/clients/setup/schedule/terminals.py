"""Containers that are entered with a terminal, which neither cron nor a unit has.

docker(1) and nerdctl(1) refuse -t together with -i there ("the input device is not a TTY"); podman(1) warns,
and docker compose asks for a terminal only where it has one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from ..shell.calls import ProgramCall, calls
from .command_line import Line

REFUSING = ("docker", "nerdctl")
ENTERING = ("exec", "run")
# Of their options, those without a word behind them.
FLAGS = ("--rm", "--init", "--tty", "--interactive", "--detach", "--privileged", "--read-only", "--quiet",
         "--publish-all", "--no-healthcheck", "--sig-proxy", "--disable-content-trust",
         "--oom-kill-disable")  # fmt: skip
LETTERS = "itdPq"
OFF = ("false", "f", "0")

_MAKES_ONE = re.compile(r"\b(?:unbuffer|script)\s")  # programs that have what they run see a terminal


def without_terminal(client: str, lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Why the container refuses to run the client, and what mends that; nothing where any call gets in."""
    called = [(line, _of_terminal(call, line)) for line in lines for call in calls(line.command, client)]
    if called and all(options for _, options in called):
        line, options = called[0]
        command = line.command
        for option in options:
            left = "" if option.startswith("--") else option.replace("t", "", 1)
            left = f"{left} " if left.strip("-") else ""
            command = re.sub(rf"(?<=\s){re.escape(option)}\s+", left, command, count=1)
        yield (
            f"the container is entered with a terminal ({' '.join(options)}), and there is none",
            line.instead(command),
        )


def _of_terminal(call: ProgramCall, line: Line) -> list[str]:
    """The options that want a terminal where a call is refused without one."""
    program, *words = call.through or ("",)
    has_one = line.unit is not None and line.unit.last("Service.StandardInput").startswith("tty")
    if os.path.basename(program) not in REFUSING or has_one or _MAKES_ONE.search(line.command):
        return []
    place = next((place for place, word in enumerate(words) if word in ENTERING), None)
    if place is None or "compose" in words[:place]:
        return []
    options = list(_options(words[place + 1 :]))
    given = {name for name, _ in options}
    if not {"t", "i"} <= given or "d" in given:
        return []
    return list(dict.fromkeys(word for name, word in options if name == "t"))


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The flags that are on, by one letter, each with the word that it stands in."""
    following = iter(words)
    for word in following:
        if not word.startswith("-") or word == "--":
            return
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            if name in FLAGS and value not in OFF:
                yield name[2], word
            elif not equals and name not in FLAGS:
                next(following, "")
            continue
        letters = name[1:]
        for number, letter in enumerate(letters):
            if letter not in LETTERS:
                if number + 1 == len(letters) and not equals:
                    next(following, "")
                break
            if value not in OFF:
                yield letter, word
