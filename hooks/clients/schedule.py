"""What runs a client again and again: systemd's timers and cron (``crontab.py``), read as text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import glob
from typing import NamedTuple

from ...regular_file import open_regular
from .crontab import Entry, entries, longest_gap
from .dehydrated import read_text

UNITS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
         "lib/systemd/system")  # fmt: skip
DAYS = {"minutely": 0, "hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "quarterly": 91, "yearly": 365,
        "annually": 365, "semiannually": 182}  # fmt: skip
LARGEST_SCRIPT = 1 << 16  # octets that are looked through
# Without any of these a client renews nothing; with a variable in the line, nobody knows.
RENEWS = {"dehydrated": r"-c\b|--cron\b|--signcsr|-s\b|\$", "certbot": r"renew|certonly|\brun\b|\$"}
RENEW = {"dehydrated": "dehydrated --cron", "certbot": "certbot -q renew"}
PROGRAMS = ("usr/bin", "usr/local/bin", "usr/sbin", "usr/local/sbin", "bin", "snap/bin")
CRON_PROGRAMS = ("usr/sbin/cron", "usr/sbin/crond", "usr/bin/crond")


class Schedule(NamedTuple):
    """``commands``: the lines that run the client. ``idle``: timers for it that are not enabled, and
    ``masked`` those that cannot be. ``days``: between two runs, by the most frequent of them. ``ignored``:
    cron's entries that would run it, each with the reason why it does not."""

    commands: tuple[str, ...]
    idle: tuple[str, ...]
    masked: tuple[str, ...] = ()
    days: float | None = None
    ignored: tuple[Entry, ...] = ()


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
    cron = [entry for entry in entries(root) if _runs(word, entry.line, root)]
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        cron = [each for each in cron if "-d /run/systemd/system" not in each.line]  # Debian's own stand back
    cron = [_judged(entry, client, root) for entry in cron]
    taken = [entry for entry in cron if not entry.ignored]
    days = [_days(when) for _, when in running] + [1 if each.days is None else each.days for each in taken]
    return Schedule(
        (*(line for line, _ in running), *(entry.line for entry in taken)),
        tuple(sorted(timers.keys() - enabled - masked)),
        tuple(sorted(masked)),
        min(days, default=None),
        tuple(entry for entry in cron if entry.ignored),
    )


def _judged(entry: Entry, client: str, root: str) -> Entry:
    """The entry, with what is wrong with the command that it has for the client, if anything is."""
    pattern = rf"(?:^|[\s;&|])((?:/[\w./-]+/)?{re.escape(client)})(?=\s|$)([^;&|]*)"
    commands = re.findall(pattern, entry.line)
    if entry.ignored or not commands or client not in RENEWS:
        return entry
    program, arguments = next((each for each in commands if re.search(RENEWS[client], each[1])), ("", ""))
    if not program:
        program, arguments = commands[-1]
        ignored = f"it runs {program}{arguments.rstrip()}, which renews nothing"
        remedy = f"write in {entry.path}: {entry.line.replace(program + arguments.rstrip(), RENEW[client])}"
        return entry._replace(ignored=ignored, remedy=remedy)
    there = [f"/{folder}/{client}" for folder in PROGRAMS if os.path.isfile(f"{root}/{folder}/{client}")]
    if program.startswith("/") and there and not os.path.isfile(os.path.join(root, program.lstrip("/"))):
        ignored = f"there is no program {program}"
        remedy = f"write in {entry.path}: {entry.line.replace(program, there[0])}"
        return entry._replace(ignored=ignored, remedy=remedy)
    return entry


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
    form = re.match(r"(?:([A-Z][a-z.,A-Z]*)(?:\s+|$))?(?:\*-([^\s-]+)-([^\s-]+))?", when.strip())
    weekdays, month, day = form.groups() if form else (None, None, None)
    fields = [(field or "*").replace("..", "-") for field in (day, month, weekdays)]
    return longest_gap(*fields) or 1


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
