"""A command that the clock runs, and the commands of the scripts that it calls, read as text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .....regular_file import open_regular
from ..shell.calls import calls
from ..shell.variables import Withheld, variables_after
from ..text_files import beneath
from ..units import Unit, drop_in

LARGEST_SCRIPT = 1 << 16  # octets that are looked through
CRON_PATH = "/usr/bin:/bin"  # what cron looks for a program in, where its file says nothing
SYSTEMD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

# Of commands that give what they run other variables than they have themselves.
_ELSEWHERE = re.compile(r"\bsystemd-run\s|\b(?:ba|da|z)?sh\s+-\w*l|\bsu\s+(?:-l?|--login)\s")
# Of those that run it among other files than this machine's.
_OTHER_FILES = re.compile(
    r"\b(?:docker|docker-compose|podman|nerdctl|ssh|nsenter|chroot|kubectl|lxc|lxc-attach|machinectl)\s"
)


class Line(NamedTuple):
    """A command by the clock, the file that it stands in, and the variables that are set there for it;
    ``complete``: no others are, from a file that a shell reads there, say. ``user``: who runs it. ``source``:
    the file of cron's, or the service, that starts it, and ``unit`` that service. ``when``: what stands in
    front of the command in a line of cron's. ``withheld``: what is set there, and does not reach it."""

    path: str
    text: str
    environ: Mapping[str, str]
    complete: bool = True
    user: str = "root"
    source: str = ""
    unit: Unit | None = None
    when: str = ""
    withheld: Mapping[str, Withheld] = {}

    @property
    def command(self) -> str:
        """What is run, without what stands in front of it."""
        return self.text.removeprefix(self.when)

    def instead(self, command: str) -> str:
        """The step that puts another command in its place."""
        if self.unit and self.path in self.unit.files and len(self.unit.every("Service.ExecStart")) == 1:
            return drop_in(self.unit.name, "ExecStart=", f"ExecStart={command}")
        return f"write in {self.path}: {self.when}{command}"


def has_all_variables(text: str) -> bool:
    """Whether a command, or a script, has no other variables than those that are written there."""
    return not (_ELSEWHERE.search(text) or _OTHER_FILES.search(text))


def has_other_files(text: str, client: str) -> bool:
    """Whether a command has the client run in a container, or on another machine: its paths are not of this
    one."""
    if found := list(calls(text, client)):
        return all(call.contained for call in found)
    parts = [part for part in re.split(r"[;&|]+", text) if client in part]
    return bool(parts) and all(_OTHER_FILES.search(part.partition(client)[0]) for part in parts)


def with_scripts(lines: Iterable[Line], client: str, root: str) -> Iterator[Line]:
    """Each of the lines, and behind it what the scripts in it say that runs the client."""
    word = re.compile(rf"\b{re.escape(client)}\b")
    for line in lines:
        yield line
        for path in scripts(line.text, client):
            text = script(path, root).replace("\\\n", " ")
            found = variables_after(text, path, line.environ, root)
            called_with = line._replace(
                path=path,
                environ=found.exported,
                complete=line.complete and found.complete and has_all_variables(text),
                when="",
                withheld={**line.withheld, **found.withheld},
            )
            for called in text.splitlines():
                if word.search(called) and not called.lstrip().startswith("#"):
                    yield called_with._replace(text=called.strip())


def scripts(text: str, client: str) -> list[str]:
    """The files that a command names, but for the client itself."""
    paths = re.findall(r"(?<![\w.])/[\w./-]+", text)[:5]
    return [path for path in paths if os.path.basename(path) != client]


def script(path: str, root: str) -> str:
    """The beginning of a file that says what runs it, or may be executed and is text, which a shell runs
    itself; of any other, nothing."""
    file_path = beneath(path, root)
    try:
        with open_regular(file_path) as file:
            start = file.read(2)
            if start != b"#!" and not os.access(file_path, os.X_OK):
                return ""
            start += file.read(LARGEST_SCRIPT - 2)
    except (OSError, ValueError):
        return ""
    is_text = start.startswith(b"#!") or b"\0" not in start
    return start.decode(errors="replace") if is_text else ""


def programs(text: str, client: str) -> Iterator[tuple[str, Sequence[str]]]:
    """The client, as each command of the line calls it, by a path or by its name, and its arguments; not what
    a container calls so."""
    for call in calls(text, client):
        if not call.contained:
            yield call.program, call.arguments
