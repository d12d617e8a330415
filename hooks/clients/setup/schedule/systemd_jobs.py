"""What systemd runs again and again: timers, those of users too, and services that sleep in between."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from glob import glob

from ..shell.variables import Withheld, variables_after
from ..text_files import find, read_text
from ..units import UNITS, Unit, drop_in, environment, environment_files, is_masked, read_unit, variables_of
from .command_line import SYSTEMD_PATH, Line, has_all_variables, script, scripts
from .crontab import CronEntry
from .timers import days_between, never_due

USERS_UNITS = ("home/*/.config/systemd/user", "root/.config/systemd/user", "etc/systemd/user")
EXPORTS = re.compile(r"^[^\S\n]*export[^\S\n].*\n?", re.MULTILINE)
EXPORTED = re.compile(r"^[^\S\n]*export[^\S\n]+", re.MULTILINE)
TARGETS = ("default.target", "multi-user.target", "graphical.target", "basic.target", "timers.target")
KINDS = ("timer", "service", "target", "socket", "path", "mount")
PULLS = ("Wants", "Requires", "Upholds", "BindsTo")  # by which a unit starts another (systemd.unit(5))
TRANSIENT = "run/systemd/transient"  # of systemd-run, until the machine stops
IDLE = ("true", "false", "echo", "sleep")  # programs that renew nothing


def service_line(service: str, root: str = "/") -> Line | None:
    """What a service of systemd runs, and with which variables; None if there is no such unit."""
    line = _line_of(service, root)
    return line if line.unit else None


def entry_of_timer(timer: str, line: Line, days: float, client: str, root: str) -> tuple[CronEntry, Line]:
    """The timer as an entry, with the reason why it does not get as far as the command of its service."""
    found = read_unit(timer, root)
    service = (found.last("Timer.Unit") if found else "") or f"{timer.removesuffix('.timer')}.service"
    if found and is_masked(service, root):
        why = f"{timer} starts {service}, which is masked"
        return CronEntry(found.files[0], timer, days, why, f"systemctl unmask {service}"), line
    if found and (why := never_due(found, date.today())):
        step = drop_in(timer, "OnCalendar=", "OnCalendar=daily")
        return CronEntry(found.files[0], timer, days, f"{timer} {why}", step), line
    if found and line.unit and (idle := _runs_nothing(line.unit)):
        why = f"{timer} starts {service}, which runs {idle}, by {line.unit.files[-1]}"
        step = f"take ExecStart= out of {line.unit.files[-1]}"
        return CronEntry(line.path, timer, days, why, step), line
    if found and not line.unit:
        why = f"{timer} starts {service}, and there is no such unit"
        step = f"write /etc/systemd/system/{service}, and below [Service] in it the command: ExecStart="
        if other := _service_for(client, root):
            step = drop_in(timer, f"Unit={other}")
        return CronEntry(found.files[0], timer, days, why, step), line
    return CronEntry(line.path, line.text or timer, days), line._replace(text=line.text or timer)


def _service_for(client: str, root: str) -> str:
    """The first service that has a command with the client in it; empty if there is none."""
    paths = (path for folder in UNITS for path in find(f"{folder}/*.service", root))
    for name in dict.fromkeys(map(os.path.basename, paths)):
        if re.search(rf"\b{re.escape(client)}\b", _line_of(name, root).text):
            return name
    return ""


def _runs_nothing(service: Unit) -> str:
    """The command of a service all of whose commands do nothing; empty for any other."""
    commands = service.every("Service.ExecStart")
    idle = [each for each in commands if os.path.basename(each.lstrip("-@:+!|").split(" ")[0]) in IDLE]
    return idle[0] if idle and len(idle) == len(commands) else ""


def every_timer(root: str, linked: set[str]) -> Iterator[tuple[str, Line, float]]:
    """Every timer, what its service runs, and the days between two runs."""
    files = (os.path.basename(path) for folder in UNITS for path in sorted(glob(f"{root}/{folder}/*.timer")))
    for name in dict.fromkeys((*files, *sorted(name for name in linked if name.endswith(".timer")))):
        if timer := read_unit(name, root):
            service = timer.last("Timer.Unit") or f"{name.removesuffix('.timer')}.service"
            yield name, _line_of(service, root), days_between(timer)


def linked_units(root: str) -> set[str]:
    """The units that are started with others by links, and timers of systemd-run, which are there until the
    machine stops."""
    links = (link for folder in UNITS for kind in KINDS for link in _links(f"{root}/{folder}", kind))
    return {os.path.basename(path) for path in (*links, *glob(f"{root}/{TRANSIENT}/*.timer"))}


def _links(folder: str, suffix: str = "timer") -> Iterator[str]:
    """Of the units that are started with another one (systemd.unit(5))."""
    for kind in ("wants", "requires", "upholds"):
        yield from sorted(glob(f"{folder}/*.{kind}/*.{suffix}"))


def is_wanted(name: str, linked: Collection[str], root: str, levels: int = 3) -> bool:
    """Whether a unit that is started with the machine starts this one, by what its own file says."""
    if name in linked or name in TARGETS or not levels:
        return bool(levels)
    for path, text in _unit_files(root):
        if name not in text:
            continue
        folder, file = os.path.split(path)
        other = os.path.basename(folder).removesuffix(".d") if file.endswith(".conf") else file
        unit = read_unit(other, root) if other != name and not is_masked(other, root) else None
        pulls = unit is not None and any(name in unit.words(f"Unit.{key}") for key in PULLS)
        if pulls and is_wanted(other, linked, root, levels - 1):
            return True
    return False


def _unit_files(root: str) -> Iterator[tuple[str, str]]:
    """All files of units, and of their drop-ins, with what they say."""
    for pattern in (f"/{folder}/{form}" for folder in UNITS for form in ("*.*", "*.d/*.conf")):
        for path in find(pattern, root):
            yield path, read_text(path, root) or ""


def services_that_sleep(root: str) -> Iterator[tuple[CronEntry, Line]]:
    """The services that run all the time, and sleep between two runs of something."""
    links = (link for folder in UNITS for link in _links(f"{root}/{folder}", "service"))
    for name in sorted(set(map(os.path.basename, links))):
        line = _line_of(name, root)
        texts = (line.text, *(script(path, root) for path in scripts(line.text, "")))
        if any(re.search(r"\bsleep\b", text) for text in texts) and not is_masked(name, root):
            yield CronEntry(line.path, line.text, None), line


def timers_of_users(root: str) -> Iterator[tuple[CronEntry, Line]]:
    """What timers of users' own managers run; of their variables nothing is known."""
    for folder in (path for pattern in USERS_UNITS for path in sorted(glob(f"{root}/{pattern}"))):
        inside = os.path.relpath(folder, root)
        home = f"/{inside.partition('/.config/')[0]}" if "/.config/" in inside else ""
        for link in _links(folder):
            timer = read_unit(os.path.basename(link), root, (inside,))
            name = timer.last("Timer.Unit") if timer else ""
            service = read_unit(name or os.path.basename(link).replace(".timer", ".service"), root, (inside,))
            if timer and service:
                run = _commands(service.every("Service.ExecStart"))
                run = run.replace("/root", home) if home else run
                path = service.files[0]
                user = os.path.basename(home) or "root"
                why = never_due(timer, date.today())
                step = f"write in {timer.files[-1]}, below [Timer]: OnCalendar=daily" if why else ""
                entry = CronEntry(path, run, days_between(timer), f"{timer.name} {why}" if why else "", step)
                yield entry, Line(path, run, {}, False, user, path)


def _line_of(name: str, root: str) -> Line:
    found = read_unit(name, root)
    if found is None:
        return Line("", "", {})
    runs = [run for kind in ("Pre", "", "Post") for run in found.every(f"Service.ExecStart{kind}")]
    run = _commands(runs)
    environ = {"PATH": SYSTEMD_PATH, **environment(found, root)}
    left = variables_after(run, found.files[0], environ, root)
    passed = found.every("Service.PassEnvironment")
    complete = left.complete and has_all_variables(run) and not passed
    withheld = {**_passed_over(found, root), **left.withheld}
    user = found.last("Service.User") or "root"
    return Line(found.files[0], run, left.exported, complete, user, name, found, withheld=withheld)


def _commands(values: Iterable[str]) -> str:
    """What a service runs, in one line."""
    return "; ".join(each.lstrip("-@:|") for each in values)


def _passed_over(service: Unit, root: str) -> dict[str, Withheld]:
    """What its files of variables export, as a shell's would: systemd takes no such line."""
    return {
        name: Withheld(
            path,
            f"says export {name}=…, and systemd passes over a line that begins so",
            f"sed -i 's/^ *export //' {path}",
        )
        for file in environment_files(service)
        for path in find(file.removeprefix("-"), root)
        for name in variables_of(EXPORTED.sub("", "".join(EXPORTS.findall(read_text(path, root) or ""))))
    }
