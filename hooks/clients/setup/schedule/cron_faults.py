"""Why a command that runs a client does not get that far: cut off, found nowhere, or renewing nothing."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import chain

from ..shell.commands import commands, expanded
from ..text_files import beneath, find, is_gone
from .bashisms import not_of_sh
from .command_line import CRON_PATH, SYSTEMD_PATH, Line, programs, script
from .cron_lines import in_crontab
from .crontab import in_folder
from .first_line import unfit
from .terminals import without_terminal
from .unit_commands import for_a_shell

# Without any of these a client renews nothing; with a variable in the line, nobody knows.
RENEWS = {"dehydrated": r"-c\b|--cron\b|--signcsr|-s\b|\$", "certbot": r"renew|certonly|\brun\b|\$"}
RENEW = {"dehydrated": "dehydrated --cron", "certbot": "certbot -q renew"}
NO_SHELLS = ("false", "true", "nologin")
PROGRAMS = (
    "usr/bin", "usr/local/bin", "usr/sbin", "usr/local/sbin", "bin", "snap/bin", "opt/*/bin", "opt/*", "opt",
    "usr/local/*", "usr/local/*/bin", "root/*/bin", "root/.local/bin", "home/*/bin", "home/*/.local/bin",
)  # fmt: skip

_PERCENT = re.compile(r"(?<!\\)%")


def wrong_command(client: str, lines: Sequence[Line], root: str) -> tuple[str, str]:
    """Why what is begun by the first line, and goes on in the others, does not have the client renew
    anything, and what mends that; empty where nothing speaks against it."""
    first = lines[0]
    faults = chain(
        _no_shell(first, root),
        _cut(first, client),
        _unexpanded(first),
        for_a_shell(client, lines),
        without_terminal(client, lines),
        not_of_sh(client, lines, root),
        _renews_nothing(first, client),
        *(_unrunnable(first, path, root) for path in dict.fromkeys(line.path for line in lines[1:])),
        *(_not_found(line, client, root) for line in lines),
    )
    return next(faults, ("", ""))


def _no_shell(line: Line, root: str) -> Iterator[tuple[str, str]]:
    """cron has a shell run each command: the one that its file names, by its whole path (crontab(5))."""
    shell = line.environ.get("SHELL", "") if line.unit is None else ""
    path = "/etc/crontab" if in_folder(line.path) is not None else line.path
    mend = f"write in {path}: SHELL=/bin/sh"
    if not shell:
        return
    if not shell.startswith("/") or not os.path.isfile(beneath(shell, root)):
        yield f"cron has {shell} run its commands (SHELL in {path}), and there is no such shell", mend
    elif os.path.basename(shell) in NO_SHELLS or not os.access(beneath(shell, root), os.X_OK):
        yield f"cron has {shell} run its commands (SHELL in {path}), which runs none", mend


def _cut(line: Line, client: str) -> Iterator[tuple[str, str]]:
    """cron makes the first % the command's end, and gives it the rest to read (crontab(5))."""
    found = _PERCENT.search(line.command)
    if not found or not line.when:
        return
    before = line.command[: found.start()]
    last = re.split(r"[;&|]+", before)[-1]
    if re.search(rf"\b{client}\b", last) or not re.search(rf"\b{client}\b", before) or _is_open(before):
        yield (
            f"cron ends the command at its first %, and runs: {before}",
            line.instead(_PERCENT.sub(lambda _: "\\%", line.command)),
        )


def _unexpanded(line: Line) -> Iterator[tuple[str, str]]:
    """In cron's files a $ stands for itself (crontab(5))."""
    path = line.environ.get("PATH", "")
    if line.when and "$" in path and "/usr/bin" not in path.split(":"):
        right = re.sub(r"\$\{?PATH\}?", lambda _: f"{SYSTEMD_PATH}:/sbin:/bin", path)
        yield (
            f"cron puts nothing in the place of the variable in PATH={path}",
            f"write in {line.path}: PATH={right}",
        )


def _is_open(command: str) -> bool:
    """Whether a shell would wait for the other end of something."""
    try:
        shlex.split(command)
    except ValueError:
        return True
    return command.count("$(") > command.count(")") or command.count("`") % 2 == 1


def _renews_nothing(line: Line, client: str) -> Iterator[tuple[str, str]]:
    called = list(programs(line.command, client))
    if line.unit and not all("--dry-run" in words for _, words in called):
        return  # which may have its arguments from a variable
    if client in RENEWS and called and not any(_would_renew(client, words) for _, words in called):
        program, words = called[-1]
        command = rf"(?<![\w./-]){re.escape(program)}(?![\w./-])[^;&|<>]*"
        right = RENEW[client].replace(client, program, 1)
        yield (
            f"it runs {' '.join((program, *words))}, which renews nothing",
            line.instead(re.sub(command, lambda _: right, line.command, count=1).rstrip()),
        )


def _unrunnable(line: Line, path: str, root: str) -> Iterator[tuple[str, str]]:
    """A script that is called as a program, and is none that can be run."""
    called = [expanded(command.words[0], {}) for command in commands(line.command)]
    if path not in called or not script(path, root):
        return
    if not os.access(beneath(path, root), os.X_OK):
        yield f"{path} may not be executed", f"chmod +x {path}"
    elif (fault := unfit(path, root, by_shell=line.unit is None))[0]:
        yield fault


def _would_renew(client: str, arguments: Sequence[str]) -> bool:
    return bool(re.search(RENEWS[client], " ".join(arguments))) and "--dry-run" not in arguments


def _not_found(line: Line, client: str, root: str) -> Iterator[tuple[str, str]]:
    """A program that is elsewhere, or nowhere."""
    elsewhere = _places(client, root)
    for program, _ in programs(line.command, client):
        word = rf"(?<![\w./-]){re.escape(program)}(?![\w./-])"
        mend = f"install {client} again, or take the line away"
        if elsewhere:
            mend = line.instead(re.sub(word, lambda _: elsewhere[0], line.command, count=1))
        if program.startswith("/"):
            if is_gone(program, root) or (elsewhere and not os.path.isfile(beneath(program, root))):
                yield f"there is no program {program}", mend
        elif "/" not in program and line.complete:
            path = line.environ.get("PATH") or (SYSTEMD_PATH if line.unit else CRON_PATH)
            if "$" not in path and not any(
                os.path.isfile(beneath(f"{folder}/{program}", root)) for folder in path.split(":")
            ):
                where = f"is {elsewhere[0]}, and" if elsewhere else "is nowhere here, and"
                yield f"{program} {where} is looked for in {path}", mend


def program_file(client: str, lines: Sequence[Line], root: str) -> str:
    """The client's program, as the lines call it or where it is; empty where none is found."""
    called = (program for line in lines for program, _ in programs(line.command, client))
    named = [path for path in called if path.startswith("/") and os.path.isfile(beneath(path, root))]
    return next(iter((*named, *_places(client, root))), "")


def daily(client: str, root: str = "/") -> str:
    """The command that renews what is due, as cron finds it."""
    places = _places(client, root)
    found = not places or any(os.path.dirname(place) in CRON_PATH.split(":") for place in places)
    return in_crontab(client, RENEW[client] if found else RENEW[client].replace(client, places[0], 1))


def _places(client: str, root: str) -> list[str]:
    """Where the program is."""
    found = (path for folder in PROGRAMS for path in find(f"{folder}/{client}", root))
    return [path for path in found if os.path.isfile(beneath(path, root))]
