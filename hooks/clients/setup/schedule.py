"""What runs a client again and again: systemd's timers (``units.py``) and cron (``crontab.py``)."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from glob import escape, glob
from typing import NamedTuple

from .command_line import CRON_PATH, SYSTEMD_PATH, Line, has_all_variables, script, scripts, with_scripts
from .cron_faults import wrong_command
from .crontab import CRONIE, FOLDERS, CronEntry, command_of, entries, in_folder
from .entry_points import entry_points
from .shell_variables import Withheld, after
from .text_files import beneath, find, read_text
from .timers import days_between, never_due
from .units import UNITS, Unit, drop_in, environment, environment_files, is_masked, read_unit, variables_of

USERS_UNITS = ("home/*/.config/systemd/user", "root/.config/systemd/user", "etc/systemd/user")
CRON_PROGRAMS = ("usr/sbin/cron", *CRONIE)
# Also anacron, bcron, dcron, fcron, BusyBox's, and systemd-cron, which makes timers of the tables.
CRONS = ("usr/sbin/*cron*", "sbin/*cron*", "usr/bin/crond", "usr/bin/fcron", "usr/bin/dcron",
         "usr/lib/systemd/system-generators/*cron*", "lib/systemd/system-generators/*cron*")  # fmt: skip

EXPORTS = re.compile(r"^[^\S\n]*export[^\S\n].*\n?", re.MULTILINE)
EXPORTED = re.compile(r"^[^\S\n]*export[^\S\n]+", re.MULTILINE)

TARGETS = ("default.target", "multi-user.target", "graphical.target", "basic.target", "timers.target")
KINDS = ("timer", "service", "target", "socket", "path", "mount")
PULLS = ("Wants", "Requires", "Upholds", "BindsTo")  # by which a unit starts another (systemd.unit(5))
TRANSIENT = "run/systemd/transient"  # of systemd-run, until the machine stops

IDLE = ("true", "false", "echo", "sleep")  # programs that renew nothing

_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


class Schedule(NamedTuple):
    """What runs a client by the clock. ``commands``: the lines that run the client. ``idle``: timers for it
    that are not enabled, and ``masked`` those that cannot be. ``days``: between two runs, by the most
    frequent of them. ``ignored``: what would run it, each with the reason why it does not.
    ``without_cron``: entries of cron's that would run it, where no cron is installed.
    ``lines``: ``commands``, and what the scripts say that they call. ``timers``: those that run it."""

    commands: tuple[str, ...]
    idle: tuple[str, ...]
    masked: tuple[str, ...] = ()
    days: float | None = None
    ignored: tuple[CronEntry, ...] = ()
    lines: tuple[Line, ...] = ()
    timers: tuple[str, ...] = ()
    without_cron: tuple[CronEntry, ...] = ()


def has_cron(root: str = "/") -> bool:
    """Whether a cron is installed that reads /etc/cron.d."""
    programs = (os.path.join(root, program) for program in CRON_PROGRAMS)
    installed = any(os.access(program, os.X_OK) for program in programs)
    return installed and os.path.isdir(os.path.join(root, "etc/cron.d"))


def goes_by_crontabs(root: str = "/") -> bool:
    """Whether a cron is installed, or what stands for one."""
    programs = (path for pattern in CRONS for path in glob(f"{escape(root)}/{pattern}"))
    return any(os.path.islink(program) or os.access(program, os.X_OK) for program in programs)


def has_systemd(root: str = "/") -> bool:
    """Whether systemd is at work, as sd_booted(3) finds out."""
    return os.path.isdir(os.path.join(root, "run/systemd/system"))


def of(client: str, root: str = "/") -> Schedule:
    """Whatever runs the client by the clock, itself or by a script that is named; timers do where systemd is
    at work."""
    word = re.compile(rf"\b{re.escape(client)}\b")
    linked = _linked(root) if has_systemd(root) else set()
    timers = {
        timer: (line, days)
        for timer, line, days in (_timers(root, linked) if has_systemd(root) else ())
        if _runs(word, f"{timer} {line.text}", client, root)
    }
    enabled = {timer for timer in timers if _is_wanted(timer, linked, root)}
    masked = {timer for timer in timers if is_masked(timer, root)}
    begun = [
        _of_timer(timer, line, days, root)
        for timer, (line, days) in timers.items()
        if timer in enabled - masked
    ]
    cron = [entry for entry in entries(root) if _runs(word, entry.line, client, root)]
    if has_systemd(root):
        cron = [each for each in cron if "-d /run/systemd/system" not in each.line]  # Debian's own stand back
    without_cron = () if goes_by_crontabs(root) else tuple(cron)
    begun += [(entry, _of_cron(entry, root)) for entry in cron if entry not in without_cron]
    others = (*_of_users(root), *_loops(root)) if has_systemd(root) else ()
    others = (*others, *entry_points(root))
    begun += [each for each in others if _runs(word, each[0].line, client, root)]
    judged = [_judged(client, entry, list(with_scripts([line], client, root)), root) for entry, line in begun]
    taken = [(entry, lines) for entry, lines in judged if not entry.ignored]
    return Schedule(
        tuple(entry.line for entry, _ in taken),
        tuple(sorted(timers.keys() - enabled - masked)),
        tuple(sorted(masked)),
        min((1 if entry.days is None else entry.days for entry, _ in taken), default=None),
        tuple(entry for entry, _ in judged if entry.ignored),
        tuple(line for _, lines in taken for line in lines),
        tuple(sorted(timers.keys() & enabled - masked)),
        without_cron,
    )


def unit(service: str, root: str = "/") -> Line | None:
    """What a service of systemd runs, and with which variables; None if there is no such unit."""
    line = _service(service, root)
    return line if line.unit else None


def _judged(client: str, entry: CronEntry, lines: list[Line], root: str) -> tuple[CronEntry, list[Line]]:
    if not entry.ignored:
        ignored, remedy = wrong_command(client, lines, root)
        entry = entry._replace(ignored=ignored, remedy=remedy)
    return entry, lines


def _of_timer(timer: str, line: Line, days: float, root: str) -> tuple[CronEntry, Line]:
    found = read_unit(timer, root)
    named = found.last("Timer.Unit") if found else ""
    service = named or f"{timer.removesuffix('.timer')}.service"
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
    if found and named and not line.unit:
        why = f"{timer} starts {named}, and there is no such unit"
        step = drop_in(timer, f"Unit={timer.removesuffix('.timer')}.service")
        return CronEntry(found.files[0], timer, days, why, step), line
    return CronEntry(line.path, line.text or timer, days), line._replace(text=line.text or timer)


def _runs_nothing(service: Unit) -> str:
    """The command of a service all of whose commands do nothing; empty for any other."""
    commands = service.every("Service.ExecStart")
    idle = [each for each in commands if os.path.basename(each.lstrip("-@:+!|").split(" ")[0]) in IDLE]
    return idle[0] if idle and len(idle) == len(commands) else ""


def _of_cron(entry: CronEntry, root: str) -> Line:
    text = read_text(entry.path, root) or ""
    in_all = variables_of(EXPORTED.sub("", read_text("/etc/environment", root) or ""))  # pam_env(8)
    in_all.pop("PATH", "")  # before which cron's own goes
    if in_folder(entry.path) is not None:  # a script, which /etc/crontab has run
        in_all["PATH"] = f"{SYSTEMD_PATH}:/sbin:/bin"
        in_all |= variables_of(read_text("/etc/crontab", root) or "")
    when = entry.line.removesuffix(command_of(entry.path, entry.line))
    if in_folder(entry.path) is None:
        found = after(
            entry.line.removeprefix(when),
            entry.path,
            {"PATH": CRON_PATH, **in_all, **variables_of(text)},
            root,
        )
    else:
        found = after(text, entry.path, in_all, root)
    complete = found.complete and has_all_variables(entry.line)
    line = Line(entry.path, entry.line, found.exported, complete, entry.user, entry.path, when=when)
    return line._replace(withheld=found.withheld)


def _runs(word: re.Pattern[str], text: str, client: str, root: str, levels: int = 2) -> bool:
    """Whether the text runs the client, or a script that does; ``levels``: of scripts that call scripts."""
    if word.search(text):
        return True
    called = (path for named in scripts(text, client) for path in _parts(named, text, root)) if levels else ()
    return any(_runs(word, _COMMENT.sub("", script(path, root)), client, root, levels - 1) for path in called)


def _parts(path: str, text: str, root: str) -> list[str]:
    """The path; of a folder of the machine's own, what run-parts(8) runs there."""
    folder = beneath(path, root)
    if "run-parts" not in text or path in FOLDERS or not os.path.isdir(folder):
        return [path]
    names = (name for name in sorted(os.listdir(folder)) if re.fullmatch(r"[\w-]+", name, re.ASCII))
    return [f"{path}/{name}" for name in names if os.access(f"{folder}/{name}", os.X_OK)]


def _links(folder: str, suffix: str = "timer") -> Iterator[str]:
    """Of the units that are started with another one (systemd.unit(5))."""
    for kind in ("wants", "requires", "upholds"):
        yield from sorted(glob(f"{folder}/*.{kind}/*.{suffix}"))


def _linked(root: str) -> set[str]:
    """The units that are started with others by links, and timers of systemd-run, which are there until the
    machine stops."""
    links = (link for folder in UNITS for kind in KINDS for link in _links(f"{root}/{folder}", kind))
    return {os.path.basename(path) for path in (*links, *glob(f"{root}/{TRANSIENT}/*.timer"))}


def _is_wanted(name: str, linked: Collection[str], root: str, levels: int = 3) -> bool:
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
        if pulls and _is_wanted(other, linked, root, levels - 1):
            return True
    return False


def _unit_files(root: str) -> Iterator[tuple[str, str]]:
    """All files of units, and of their drop-ins, with what they say."""
    for pattern in (f"/{folder}/{form}" for folder in UNITS for form in ("*.*", "*.d/*.conf")):
        for path in find(pattern, root):
            yield path, read_text(path, root) or ""


def _loops(root: str) -> Iterator[tuple[CronEntry, Line]]:
    """The services that run all the time, and sleep between two runs of something."""
    links = (link for folder in UNITS for link in _links(f"{root}/{folder}", "service"))
    for name in sorted(set(map(os.path.basename, links))):
        line = _service(name, root)
        texts = (line.text, *(script(path, root) for path in scripts(line.text, "")))
        if any(re.search(r"\bsleep\b", text) for text in texts) and not is_masked(name, root):
            yield CronEntry(line.path, line.text, None), line


def _of_users(root: str) -> Iterator[tuple[CronEntry, Line]]:
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


def _commands(values: Iterable[str]) -> str:
    """What a service runs, in one line."""
    return "; ".join(each.lstrip("-@:|") for each in values)


def _timers(root: str, linked: set[str]) -> Iterator[tuple[str, Line, float]]:
    """Every timer, what its service runs, and the days between two runs."""
    files = (os.path.basename(path) for folder in UNITS for path in sorted(glob(f"{root}/{folder}/*.timer")))
    for name in dict.fromkeys((*files, *sorted(name for name in linked if name.endswith(".timer")))):
        if timer := read_unit(name, root):
            service = timer.last("Timer.Unit") or f"{name.removesuffix('.timer')}.service"
            yield name, _service(service, root), days_between(timer)


def _service(name: str, root: str) -> Line:
    found = read_unit(name, root)
    if found is None:
        return Line("", "", {})
    runs = [run for kind in ("Pre", "", "Post") for run in found.every(f"Service.ExecStart{kind}")]
    run = _commands(runs)
    environ = {"PATH": SYSTEMD_PATH, **environment(found, root)}
    left = after(run, found.files[0], environ, root)
    passed = found.every("Service.PassEnvironment")
    complete = left.complete and has_all_variables(run) and not passed
    withheld = {**_passed_over(found, root), **left.withheld}
    user = found.last("Service.User") or "root"
    return Line(found.files[0], run, left.exported, complete, user, name, found, withheld=withheld)


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
