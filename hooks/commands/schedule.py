"""What runs a client again and again: systemd's timers and cron, read as text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import glob
from typing import NamedTuple

from ...regular_file import open_regular
from ..clients.dehydrated import read_text

UNITS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
         "lib/systemd/system")  # fmt: skip
CRON = ("etc/crontab", "etc/cron.d/*", "etc/cron.hourly/*", "etc/cron.daily/*", "etc/cron.weekly/*",
        "etc/cron.monthly/*", "var/spool/cron/crontabs/*", "var/spool/cron/*", "etc/anacrontab")  # fmt: skip


DAYS = {"minutely": 0, "hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "quarterly": 91, "yearly": 365,
        "annually": 365, "semiannually": 182, "@reboot": 365, "@hourly": 0, "@daily": 1, "@midnight": 1,
        "@weekly": 7, "@monthly": 30, "@yearly": 365, "@annually": 365}  # fmt: skip
LARGEST_SCRIPT = 1 << 16  # octets that are looked through


CRON_PROGRAMS = ("usr/sbin/cron", "usr/sbin/crond", "usr/bin/crond")


class Schedule(NamedTuple):
    """``commands``: the lines that run the client. ``idle``: timers for it that are not enabled, and
    ``masked`` those that cannot be. ``days``: between two runs, by the most frequent of them."""

    commands: tuple[str, ...]
    idle: tuple[str, ...]
    masked: tuple[str, ...] = ()
    days: float | None = None


def has_cron(root: str = "/") -> bool:
    """Whether a cron is installed that reads /etc/cron.d."""
    programs = (os.path.join(root, program) for program in CRON_PROGRAMS)
    installed = any(os.access(program, os.X_OK) for program in programs)
    return installed and os.path.isdir(os.path.join(root, "etc/cron.d"))


def of(client: str, root: str = "/") -> Schedule:
    """Whatever runs the client by the clock, itself or by a script that is named."""
    word = re.compile(rf"\b{re.escape(client)}\b")
    links = (link for folder in UNITS for link in glob(f"{root}/{folder}/*.wants/*.timer"))
    enabled = set(map(os.path.basename, links))
    timers = {
        timer: (line, when) for timer, line, when in _timers(root) if _runs(word, f"{timer} {line}", root)
    }
    masked = {timer for timer in timers if _is_masked(timer, root)}
    running = [(line or timer, when) for timer, (line, when) in timers.items() if timer in enabled - masked]
    cron = [(line, path) for path, line in _crontabs(root) if _runs(word, line, root)]
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        cron = [each for each in cron if "-d /run/systemd/system" not in each[0]]  # Debian's own stand back
    days = [_days(when) for _, when in running] + [_cron_days(line, path) for line, path in cron]
    return Schedule(
        (*(line for line, _ in running), *(line for line, _ in cron)),
        tuple(sorted(timers.keys() - enabled - masked)),
        tuple(sorted(masked)),
        min(days, default=None),
    )


def _runs(word: re.Pattern[str], line: str, root: str) -> bool:
    """Whether the line runs the client, or a script that does."""
    if word.search(line):
        return True
    scripts = re.findall(r"(?<![\w.])/[\w./-]+", line)
    return any(word.search(_script(os.path.join(root, script.lstrip("/")))) for script in scripts[:5])


def _script(path: str) -> str:
    """The beginning of a file that says what runs it; of any other, nothing."""
    try:
        with open_regular(path) as file:
            start = file.read(LARGEST_SCRIPT)
    except (OSError, ValueError):
        return ""
    return start.decode(errors="replace") if start.startswith(b"#!") else ""


def _is_masked(timer: str, root: str) -> bool:
    paths = (os.path.join(root, folder, timer) for folder in UNITS[:2])
    return any(os.path.islink(path) and os.readlink(path) == "/dev/null" for path in paths)


def _days(when: str) -> float:
    """The days between two times of OnCalendar (systemd.time(7)); without one, a day at most."""
    if when.strip() in DAYS:
        return DAYS[when.strip()]
    if re.match(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*(?:\s|$)", when):
        return 7
    return 30 if re.match(r"\*-\*-\d", when) else 1


def _cron_days(line: str, path: str) -> float:
    """The same of a crontab's line, or of a file in one of the folders that are named after a time."""
    for name, days in (("cron.weekly", 7), ("cron.monthly", 30)):
        if name in path:
            return days
    fields = line.split()
    if fields and fields[0] in DAYS:
        return DAYS[fields[0]]
    if len(fields) < 6 or not re.fullmatch(r"[\d*,/-]+", fields[0]):
        return 1
    if re.fullmatch(r"[\da-zA-Z]+", fields[4]):
        return 7
    return 30 if re.fullmatch(r"\d+", fields[2]) else 1


def _timers(root: str) -> Iterator[tuple[str, str, str]]:
    """Every timer, what its service runs, and when."""
    seen = set()
    for path in (path for folder in UNITS for path in sorted(glob(f"{root}/{folder}/*.timer"))):
        timer = os.path.basename(path)
        masked = os.path.islink(path) and os.readlink(path) == "/dev/null"
        if timer in seen or masked:
            continue
        seen.add(timer)
        text = read_text(path) or ""
        unit = re.search(r"^Unit=(.*)$", text, re.MULTILINE)
        service = unit[1].strip() if unit else timer.removesuffix(".timer") + ".service"
        texts = [read_text(f"{root}/{folder}/{service}") or "" for folder in UNITS]
        runs = re.findall(r"^ExecStart(?:Pre|Post)?=(.*)$", "\n".join(texts), re.MULTILINE)
        when = re.search(r"^OnCalendar=(.*)$", text, re.MULTILINE)
        yield timer, "; ".join(runs), when[1] if when else ""


def _crontabs(root: str) -> Iterator[tuple[str, str]]:
    """(path, line) of whatever is no comment."""
    for path in (path for pattern in CRON for path in sorted(glob(f"{root}/{pattern}"))):
        for line in (read_text(path) or "").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield path, line.strip()
