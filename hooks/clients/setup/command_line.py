"""A command that the clock runs, and the commands of the scripts that it calls, read as text."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ....regular_file import open_regular
from .text_files import beneath
from .units import Unit, drop_in

LARGEST_SCRIPT = 1 << 16  # octets that are looked through
CRON_PATH = "/usr/bin:/bin"  # what cron looks for a program in, where its file says nothing
SYSTEMD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
# What begins a command, and is followed by the one that it is about.
WRAPPERS = (
    "env", "exec", "nice", "ionice", "chronic", "cronic", "timeout", "flock", "setsid", "nohup", "time",
    "command", "systemd-cat",
)  # fmt: skip

# Of commands that give what they run other variables than they have themselves.
_ELSEWHERE = re.compile(
    r"""(?:^|[;&|\s"'])(?:\.|source|eval)\s+\S|\bsystemd-run\s"""
    r"""|\b(?:ba|da|z)?sh\s+-\w*l|\bsu\s+(?:-l?|--login)\s""",
    re.MULTILINE,
)  # fmt: skip
# Of those that run it among other files than this machine's.
_OTHER_FILES = re.compile(
    r"\b(?:docker|docker-compose|podman|nerdctl|ssh|nsenter|chroot|kubectl|lxc|lxc-attach|machinectl)\s"
)
_OF_A_SHELL = re.compile(r"""\b(?:ba|da|k|z)?sh\s+(?:-\w+\s+)*-\w*c\s+(?:'([^']*)'|"([^"]*)")""")


class Line(NamedTuple):
    """A command by the clock, the file that it stands in, and the variables that are set there for it;
    ``complete``: no others are, from a file that a shell reads there, say. ``user``: who runs it. ``source``:
    the file of cron's, or the service, that starts it, and ``unit`` that service. ``when``: what stands in
    front of the command in a line of cron's."""

    path: str
    text: str
    environ: Mapping[str, str]
    complete: bool = True
    user: str = "root"
    source: str = ""
    unit: Unit | None = None
    when: str = ""

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
    parts = [part for part in re.split(r"[;&|]+", text) if client in part]
    return bool(parts) and all(_OTHER_FILES.search(part.partition(client)[0]) for part in parts)


def with_scripts(lines: Iterable[Line], client: str, root: str) -> Iterator[Line]:
    """Each of the lines, and behind it what the scripts in it say that runs the client."""
    word = re.compile(rf"\b{re.escape(client)}\b")
    for line in lines:
        yield line
        for path in scripts(line.text, client):
            text = script(path, root).replace("\\\n", " ")
            environ, complete = {**line.environ, **set_by(text)}, line.complete and has_all_variables(text)
            for called in text.splitlines():
                if word.search(called) and not called.lstrip().startswith("#"):
                    yield line._replace(
                        path=path, text=called.strip(), environ=environ, complete=complete, when=""
                    )


def scripts(text: str, client: str) -> list[str]:
    """The files that a command names, but for the client itself."""
    paths = re.findall(r"(?<![\w.])/[\w./-]+", text)[:5]
    return [path for path in paths if os.path.basename(path) != client]


def script(path: str, root: str) -> str:
    """The beginning of a file that says what runs it; of any other, nothing."""
    try:
        with open_regular(beneath(path, root)) as file:
            start = file.read(2)
            start += file.read(LARGEST_SCRIPT - 2) if start == b"#!" else b""
    except (OSError, ValueError):
        return ""
    return start.decode(errors="replace") if start.startswith(b"#!") else ""


def set_by(text: str) -> dict[str, str]:
    """The variables of a script's lines that do nothing but set some."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        words = words[1:] if words[:1] == ["export"] else words
        if all(re.match(r"[A-Za-z_]\w*=", word) for word in words):
            found |= dict(word.split("=", 1) for word in words)
    return found


def programs(text: str, client: str) -> Iterator[tuple[str, Sequence[str]]]:
    """The client, as each command of the line calls it, by a path or by its name; and its arguments."""
    for match in _OF_A_SHELL.finditer(text):
        yield from programs(match[1] or match[2] or "", client)
    for part in re.split(r"[;&|]+", text):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue
        for place, word in enumerate(words):
            called = os.path.basename(word.lstrip("({!")) == client and words[place - 1 : place] != ["-t"]
            if called and _begin_another(words[:place]):
                yield word.lstrip("({!"), words[place + 1 :]
                break


def _begin_another(words: Sequence[str]) -> bool:
    """Whether a command stands behind the words; behind flock, its lock does first."""
    lock_follows = False
    for word in words:
        if lock_follows and not re.match(r"[-\d]", word):
            lock_follows = False
        elif os.path.basename(word.lstrip("({!")) == "flock":
            lock_follows = True
        elif not _is_before(word):
            return False
    return not lock_follows


def _is_before(word: str) -> bool:
    """Whether a command may stand behind the word."""
    word = word.lstrip("({!")
    if not word or os.path.basename(word) in WRAPPERS or word in ("then", "do", "else", "if"):
        return True
    return bool(re.match(r"-|\d|\w+=", word))
