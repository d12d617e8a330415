"""All that runs one client again and again: by cron, by systemd, or in a script that sleeps in between."""

from __future__ import annotations

import os
import re
from glob import escape, glob
from typing import NamedTuple

from ..shell.variables import variables_after
from ..text_files import beneath, read_text
from ..units import is_masked, variables_of
from .command_line import (
    CRON_PATH,
    SYSTEMD_PATH,
    Line,
    has_all_variables,
    has_other_files,
    script,
    scripts,
    with_scripts,
)
from .cron_faults import wrong_command
from .crontab import CRONIE, FOLDERS, CronEntry, command_of, entries, in_folder
from .entry_points import entry_points
from .systemd_jobs import (
    EXPORTED,
    entry_of_timer,
    every_timer,
    is_wanted,
    linked_units,
    services_that_sleep,
    timers_of_users,
)

CRON_PROGRAMS = ("usr/sbin/cron", *CRONIE)
# Also anacron, bcron, dcron, fcron, BusyBox's, and systemd-cron, which makes timers of the tables.
CRONS = ("usr/sbin/*cron*", "sbin/*cron*", "usr/bin/crond", "usr/bin/fcron", "usr/bin/dcron",
         "usr/lib/systemd/system-generators/*cron*", "lib/systemd/system-generators/*cron*")  # fmt: skip

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


def schedule_of(client: str, root: str = "/") -> Schedule:
    """Whatever runs the client by the clock, itself or by a script that is named; timers do where systemd is
    at work."""
    name = re.compile(rf"\b{re.escape(client)}\b")
    linked = linked_units(root) if has_systemd(root) else set()
    timers = {
        timer: (line, days)
        for timer, line, days in (every_timer(root, linked) if has_systemd(root) else ())
        if _runs(name, f"{timer} {line.text}", client, root)
    }
    enabled = {timer for timer in timers if is_wanted(timer, linked, root)}
    masked = {timer for timer in timers if is_masked(timer, root)}
    begun = [
        entry_of_timer(timer, line, days, client, root)
        for timer, (line, days) in timers.items()
        if timer in enabled - masked
    ]
    cron = [entry for entry in entries(root) if _runs(name, entry.line, client, root)]
    if has_systemd(root):
        cron = [each for each in cron if "-d /run/systemd/system" not in each.line]  # Debian's own stand back
    without_cron = () if goes_by_crontabs(root) else tuple(cron)
    begun += [(entry, _of_cron(entry, root)) for entry in cron if entry not in without_cron]
    others = (*timers_of_users(root), *services_that_sleep(root)) if has_systemd(root) else ()
    others = (*others, *entry_points(root))
    begun += [each for each in others if _runs(name, each[0].line, client, root)]
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


def _judged(client: str, entry: CronEntry, lines: list[Line], root: str) -> tuple[CronEntry, list[Line]]:
    if not entry.ignored:
        ignored, remedy = wrong_command(client, lines, root)
        entry = entry._replace(ignored=ignored, remedy=remedy)
    contained = any(has_other_files(line.command, client) for line in lines)
    return entry._replace(contained=contained), lines


def _of_cron(entry: CronEntry, root: str) -> Line:
    text = read_text(entry.path, root) or ""
    in_all = variables_of(EXPORTED.sub("", read_text("/etc/environment", root) or ""))  # pam_env(8)
    in_all.pop("PATH", "")  # before which cron's own goes
    if in_folder(entry.path) is not None:  # a script, which /etc/crontab has run
        in_all["PATH"] = f"{SYSTEMD_PATH}:/sbin:/bin"
        in_all |= variables_of(read_text("/etc/crontab", root) or "")
    when = entry.line.removesuffix(command_of(entry.path, entry.line))
    if in_folder(entry.path) is None:
        found = variables_after(
            entry.line.removeprefix(when),
            entry.path,
            {"PATH": CRON_PATH, **in_all, **variables_of(text)},
            root,
        )
    else:
        found = variables_after(text, entry.path, in_all, root)
    complete = found.complete and has_all_variables(entry.line)
    line = Line(entry.path, entry.line, found.exported, complete, entry.user, entry.path, when=when)
    return line._replace(withheld=found.withheld)


def _runs(name: re.Pattern[str], text: str, client: str, root: str, levels: int = 2) -> bool:
    """Whether the text runs the client, or a script that does; ``levels``: of scripts that call scripts."""
    if name.search(text):
        return True
    called = (path for named in scripts(text, client) for path in _parts(named, text, root)) if levels else ()
    return any(_runs(name, _COMMENT.sub("", script(path, root)), client, root, levels - 1) for path in called)


def _parts(path: str, text: str, root: str) -> list[str]:
    """The path; of a folder of the machine's own, what run-parts(8) runs there."""
    folder = beneath(path, root)
    if "run-parts" not in text or path in FOLDERS or not os.path.isdir(folder):
        return [path]
    names = (name for name in sorted(os.listdir(folder)) if re.fullmatch(r"[\w-]+", name, re.ASCII))
    return [f"{path}/{name}" for name in names if os.access(f"{folder}/{name}", os.X_OK)]
