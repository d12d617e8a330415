"""Which process is the ACME client that called, and whether it is still there.

The journal notes for whom a value was published: what belongs to a client that is gone is an
orphan. To take a short-lived shell for the client would have a live record swept, so only
processes that are recognisably an ACME client count.
"""

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from .detection import CLIENTS
from .procfs import status_of, upwards, where

PROGRAMS: frozenset[str] = frozenset().union(*(client.programs for client in CLIENTS))
DAEMONS: frozenset[str] = frozenset().union(*(client.daemons for client in CLIENTS))
INTERPRETER = re.compile(r"(a|ba|da|k|mk|z)?sh|python[0-9.]*")


class ClientProcess(NamedTuple):
    """A process, known for good by its number and its start (clock ticks since the boot).

    ``where``: the host, its boot and the PID namespace that the number belongs to; empty where
    the system does not tell.
    """

    name: str
    pid: int
    start: int
    where: str


class _Process(NamedTuple):
    name: str
    state: str
    parent: int
    start: int


def calling_client(pid: int | None = None) -> ClientProcess | None:
    """The ACME client among ``pid`` (our parent) and its ancestors; None if there is none to be
    recognised, or no /proc to look into.

    Where several follow on one another with the same command line it is the outermost: dehydrated
    calls its hook from subshells of its own, which end before it does. One with another command line
    may be a script that runs several clients and bears their name.
    """
    client, command = None, ""
    for number, status in upwards(os.getppid() if pid is None else pid):
        process = _Process(*status)
        words = command_line(number)
        if client and words != command:
            break
        if name := _client_name(process, words):
            client, command = ClientProcess(name, number, process.start, where()), words
        elif client:
            break
    return client


def this_process(name: str = "api") -> ClientProcess:
    """This very process, as the client of its own publishing."""
    process = _process(os.getpid())
    return ClientProcess(name, os.getpid(), process.start if process else 0, where())


def is_alive(client: ClientProcess) -> bool | None:
    """Whether the client still runs; None if that cannot be judged from here: on another host, in another
    container, without /proc, or for a daemon, whose life says nothing of one order."""
    current, recorded = where().split(" "), client.where.split(" ")
    if len(current) != 3 or len(recorded) != 3 or current[0] != recorded[0] or client.name in DAEMONS:
        return None
    if current[1] != recorded[1]:
        return False  # the host has been booted since
    if current[2] != recorded[2]:
        return None
    process = _process(client.pid)
    if process is None:
        return None if _has_number(client.pid) else False
    return process.start == client.start and process.state not in "ZX"


def _process(pid: int) -> _Process | None:
    status = status_of(pid)
    return _Process(*status) if status else None


def _has_number(pid: int) -> bool:
    """Whether any process has the number: /proc may hide those of other users (hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _client_name(process: _Process, command: str) -> str:
    """The name of the ACME client that the process is, or nothing."""
    names = [process.name, *_program(command)]
    return next((name for name in names if name in PROGRAMS), "")


def command_line(pid: int) -> str:
    """The words of a process, each ended by a NUL; nothing where they may not be read."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _program(command: str) -> Iterator[str]:
    """The base name of the program, and that of its script if it is an interpreter."""
    program, *arguments = command.split("\0")
    program = os.path.basename(program).removeprefix("-")  # a login shell's
    yield program
    if INTERPRETER.fullmatch(program):
        script = next((argument for argument in arguments if not argument.startswith("-")), "")
        yield os.path.basename(script)
