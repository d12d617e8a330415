"""What runs a client by the clock: as whom, with which variables, and the files that are needed there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ......clients.setup.sandbox import READ, WRITE
from ......clients.setup.schedule.command_line import (
    Line,
    has_all_variables,
    has_other_files,
    programs,
    script,
)
from ......clients.setup.schedule.crontab import OF_ONE_USER
from ......clients.setup.shell.calls import calls
from ......clients.setup.shell.user_switches import UserSwitch
from ......clients.setup.shell.variables import Withheld, variables_after
from ......clients.setup.text_files import is_gone, read_text
from ......clients.setup.units import Unit, drop_in
from ......clients.setup.users import User, find_user
from ......config.load import DEFAULT_FILE
from ......state.folder import state_dir
from ....finding import Examined

# Whom systemd makes for a run with DynamicUser=.
DYNAMIC = User("a user of systemd's making", 61184, frozenset(), "", "/")
STATE = "the state folder"
HOOK = "the hook"
CLIENT = "the client"
CONFIGURATION = "the configuration"
FOLDERS_OF_PROGRAMS = ("/usr/local/bin", "/usr/bin", "/bin")
MOST_LINKS = 32


class Run(NamedTuple):
    """What one file of cron's, or one service, runs. ``environ``: what the hook is given, ``complete``: that
    is all. ``hook``: the program, where it is known. ``folders``: what the client writes to. ``chosen``: the
    file of dehydrated's that has the user. ``withheld``: what is set on the way, and does not reach it.
    ``read``: the client's own configuration. ``paths``: the files that the commands stand in;
    ``program``: the client's, where its whole path is known. ``starter``: who runs the command, in which
    ``switches`` stand, such as sudo; ``user``: who runs the client itself."""

    client: str
    source: str
    environ: Mapping[str, str]
    complete: bool
    user: str
    unit: Unit | None
    hook: str
    folders: Sequence[str]
    chosen: str = ""
    withheld: Mapping[str, Withheld] = {}
    read: Sequence[str] = ()
    paths: Sequence[str] = ()
    program: str = ""
    starter: str = ""
    switches: Sequence[UserSwitch] = ()

    def as_root(self) -> str:
        """The step that has it run as root."""
        if self.chosen:
            return f"or take DEHYDRATED_USER out of {self.chosen}"
        if self.unit:
            return drop_in(self.unit.name, "User=root")
        if self.source.startswith(OF_ONE_USER):
            theirs = f"{os.path.basename(self.source)}'s crontab"
            return f"or take the line out of {theirs} ({self.source}), and write it into root's: crontab -e"
        return f"or have {self.source} run it as root"

    def setting(self, name: str, value: str) -> str:
        """The step that gives it one more variable."""
        if self.unit:
            return drop_in(self.unit.name, f"Environment={name}={value}")
        return f"write in {self.source}, above the command: {name}={value}"


class Need(NamedTuple):
    """A path, what it is, and what is done with it: READ or WRITE of a sandbox's."""

    path: str
    what: str
    use: int


def runs(
    root: str,
    client: str,
    lines: Sequence[Line],
    command: str,
    given: Mapping[str, str],
    folders: Sequence[str] = (),
) -> Iterator[Run]:
    """One for each source of ``lines``, and user. ``command``: by which the hook is called. ``given``: what
    the client's own files set. What a script sets on the way, the hook's own too, is given to the hook."""
    hook = next((word for word in command.split() if word.startswith("/")), "")
    text = f"{command}\n{script(hook, root)}"
    lines = [line for line in lines if not has_other_files(line.command, client)]
    for source, user in dict.fromkeys((line.source, line.user) for line in lines):
        group = [line for line in lines if (line.source, line.user) == (source, user)]
        environ: dict[str, str] = {}
        for line in group:
            environ |= {**line.environ, **_given_to(client, line.command)}
        of_hook = variables_after(text, hook, {**environ, **given}, root)
        environ = {**of_hook.exported, **_given_to("dns01", command), **_given_to("hook.py", command)}
        withheld = dict(of_hook.withheld)
        programs_of = [program for line in group for program, _ in programs(line.command, client)]
        for line in group:
            withheld |= line.withheld
        prefix = group[0].command[:1] if group[0].unit else ""  # +: all that the unit takes is given; !: root
        starter = "root" if prefix in ("+", "!") else user
        switches = _switches(client, group)
        yield Run(
            client,
            source,
            environ,
            all(line.complete for line in group) and of_hook.complete and has_all_variables(text),
            switches[-1].user if switches and "$" not in switches[-1].user else starter,
            None if prefix == "+" else group[0].unit,
            hook,
            folders,
            withheld={name: each for name, each in withheld.items() if name not in environ},
            program=next((each for each in programs_of if each.startswith("/")), ""),
            paths=tuple(dict.fromkeys(line.path for line in group if line.path)),
            starter=starter,
            switches=switches,
        )


def _switches(client: str, lines: Sequence[Line]) -> tuple[UserSwitch, ...]:
    """In front of the client where one of the lines calls it, and of the script that the call stands in."""
    for line in lines:
        for call in calls(line.command, client):
            above = (each for each in lines if each.path != line.path)
            found = (outer for each in above for outer in calls(each.command, os.path.basename(line.path)))
            before = next((outer.switches for outer in found if outer.switches), ())
            if switches := (*before, *call.switches):
                return switches
    return ()


def _given_to(program: str, command: str) -> dict[str, str]:
    """What is set for the program alone where it is called."""
    return {name: value for call in calls(command, program) for name, value in call.environ.items()}


def user_of(run: Run, root: str) -> User | None:
    """Whom it runs as; None where that is nobody, or nobody whom /etc/passwd has."""
    if not run.unit:
        return find_user(run.user, root)
    if run.unit.is_on("Service.DynamicUser"):
        return DYNAMIC
    groups = [*run.unit.words("Service.Group"), *run.unit.words("Service.SupplementaryGroups")]
    return find_user(run.user, root, groups)


def needs(examined: Examined, run: Run, user: User | None) -> Iterator[Need]:
    """What the hook and the client open, as far as it is known."""
    yield from (Need(path, HOOK, READ) for path in _programs(examined, run.hook) if run.hook)
    yield from (Need(path, CLIENT, READ) for path in _programs(examined, run.program) if run.program)
    yield from (Need(path, f"{run.client}'s configuration", READ) for path in run.read)
    if run.complete:
        yield from _configuration(examined, run)
    if run.complete and "$" not in run.environ.get("DNS01_STATE_DIR", ""):
        yield Need(state_of(run, user), STATE, WRITE)
    yield from (Need(folder, f"where {run.client} keeps its files", WRITE) for folder in run.folders)


def state_of(run: Run, user: User | None) -> str:
    """The path of its state folder. Raises StateError."""
    if user is None:
        return state_dir(run.environ, 0)
    return state_dir({"HOME": user.home, **run.environ}, user.uid)


def _configuration(examined: Examined, run: Run) -> Iterator[Need]:
    """The file that the hook goes by, and those that have the secrets."""
    path = run.environ.get("DNS01_CONFIG", DEFAULT_FILE)
    if path and not is_gone(path, examined.root):
        yield Need(path, CONFIGURATION, READ)
        for named in re.findall(
            r"""\b(?:\w+_)?file\s*=\s*["']([^"'\n]+)["']""", read_text(path, examined.root) or ""
        ):
            yield Need(os.path.join(os.path.dirname(path), named), "a file that it names", READ)
    for name, value in run.environ.items():
        if name.endswith("_FILE") and value.startswith("/") and not is_gone(value, examined.root):
            yield Need(value, f"the file of {name}", READ)


def _programs(examined: Examined, program: str, levels: int = 3) -> Iterator[str]:
    """The program, where links lead from there, and the program that its first line names."""
    found = _real(examined, program)
    yield from dict.fromkeys((program, found))
    line = re.match(r"#!\s*(/\S+)(?:[^\S\n]+(\S+))?", read_text(found, examined.root) or "")
    if not line or not levels:
        return
    yield from _programs(examined, line[1], levels - 1)
    if os.path.basename(line[1]) == "env" and line[2]:
        places = (f"{folder}/{line[2]}" for folder in FOLDERS_OF_PROGRAMS)
        for place in [place for place in places if os.path.lexists(examined.path(place))][:1]:
            yield from _programs(examined, place, levels - 1)


def _real(examined: Examined, path: str) -> str:
    """The path without links, of folders either."""
    waiting, found, links = path.strip("/").split("/"), "/", 0
    while waiting:
        name, *waiting = waiting
        if name in ("", "."):
            continue
        found = os.path.dirname(found) if name == ".." else os.path.join(found, name)
        file = examined.path(found)
        if name != ".." and os.path.islink(file) and links < MOST_LINKS:
            links += 1
            target = os.readlink(file)
            found = "/" if target.startswith("/") else os.path.dirname(found)
            waiting = [*target.split("/"), *waiting]
    return found
