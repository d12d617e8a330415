"""cron's tables and folders, read as text: what runs, how often, and what cron passes over in silence."""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ..text_files import beneath, find, read_text
from ..users import is_known
from .first_line import unfit

CRON = ("etc/crontab", "etc/cron.d/*", "etc/cron.hourly/*", "etc/cron.daily/*", "etc/cron.weekly/*",
        "etc/cron.monthly/*", "var/spool/cron/crontabs/*", "var/spool/cron/tabs/*", "var/spool/cron/*",
        "etc/anacrontab", "etc/crontabs/*", "etc/periodic/*/*")  # fmt: skip
# Of scripts, and the days between two runs: of cron, and of Alpine's.
FOLDERS = {"/etc/cron.hourly": 0.0, "/etc/cron.daily": 1.0, "/etc/cron.weekly": 7.0,
           "/etc/cron.monthly": 30.0, "/etc/periodic/15min": 0.0, "/etc/periodic/hourly": 0.0,
           "/etc/periodic/daily": 1.0, "/etc/periodic/weekly": 7.0, "/etc/periodic/monthly": 30.0,
           }  # fmt: skip
NICKNAMES = {"@reboot": 365.0, "@hourly": 0.0, "@daily": 1.0, "@midnight": 1.0, "@weekly": 7.0,
             "@monthly": 30.0, "@yearly": 365.0, "@annually": 365.0}  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day", 1, 31, ()), ("month", 1, 12, MONTHS),
          ("weekday", 0, 7, WEEKDAYS))  # fmt: skip
BEGINNING = date(2027, 1, 1)
PERIOD = 4 * 365 + 1  # days that are looked through: 29 February is among them
OF_ONE_USER = ("/var/spool/cron/", "/etc/crontabs/")  # named as the file is
CRONIE = ("usr/sbin/crond", "usr/bin/crond")  # which takes any file's name

_SETTING = re.compile(r"^[A-Za-z_]\w*\s*=")
# The beginning of a line that cron makes sense of.
_READ = re.compile(r"""\s*(?:$|#|[-\d*@~]|["']?[A-Za-z_]\w*["']?\s*=)""")


class CronEntry(NamedTuple):
    """One line that is no comment. ``days``: between two runs; None where nothing tells. ``ignored``: why
    it is not run, and ``remedy``, the command that mends it. ``user``: who runs it. ``contained``: it has
    the client run in a container, or on another machine."""

    path: str
    line: str
    days: float | None
    ignored: str = ""
    remedy: str = ""
    user: str = "root"
    contained: bool = False


def entries(root: str) -> Iterator[CronEntry]:
    """Whatever stands in cron's files beneath ``root``."""
    for path in (path for pattern in CRON for path in find(pattern, root)):
        text = read_text(path, root) or ""
        ignored, remedy = _passed_over(path, text, root)
        for line in text.splitlines():
            line = line.strip()
            if line and not line.startswith("#"):
                why = (ignored, remedy) if ignored else _wrong_line(path, line, root)
                yield CronEntry(path, line, _days(path, line), *why, _user(path, line))


def _passed_over(path: str, text: str, root: str) -> tuple[str, str]:
    """Why a whole file counts for nothing (cron(8), run-parts(8)), and what mends that."""
    folder, name = os.path.split(path)
    scripts = folder in FOLDERS
    debian = not any(os.path.exists(os.path.join(root, program)) for program in CRONIE)
    if debian and (scripts or folder == "/etc/cron.d") and not re.fullmatch(r"[\w-]+", name, re.ASCII):
        plain = re.sub(r"[^\w-]+", "-", name.removesuffix(".sh"), flags=re.ASCII)
        return "of a file whose name has a dot in it, cron takes no notice", f"mv {path} {folder}/{plain}"
    try:
        status = os.stat(beneath(path, root))
    except OSError:
        return "", ""
    if scripts:
        runs = status.st_mode & 0o111
        return unfit(path, root) if runs else ("the script may not be executed", f"chmod +x {path}")
    if folder in ("/etc/cron.d", "/etc") and (
        stat.S_IMODE(status.st_mode) & 0o022 or status.st_uid != os.stat(root).st_uid
    ):
        return "cron takes no file that others than root may write", f"chown root: {path}; chmod 644 {path}"
    if not path.startswith(("/etc/anacrontab", "/etc/crontabs/")) and (
        wrong := next(filter(_wrong_time, text.splitlines()), "")
    ):
        why = f"cron knows no {_wrong_time(wrong)}, and then takes no line of the file: {wrong.strip()}"
        return why, f"write in {path} a time like: 17 4 * * *"
    if strange := next((line for line in text.splitlines() if not _READ.match(line)), ""):
        exported = re.match(r"\s*export\s", strange)
        remedy = f"sed -i 's/^export //' {path}" if exported else f"take it out of {path}"
        return f"cron makes nothing of this line, and then takes no other of the file: {strange}", remedy
    if debian and text and not text.endswith("\n"):
        return "its last line has no line end, and cron ignores the whole file then", f"echo >> {path}"
    return "", ""


def _wrong_time(line: str) -> str:
    """The first of the five fields that has a number out of its bounds, or an unknown word; empty if none."""
    words = line.strip().removeprefix("-").split(None, len(FIELDS))
    if len(words) <= len(FIELDS) or not re.match(r"[\d*]", words[0]):
        return ""
    for word, (name, least, most, names) in zip(words, FIELDS, strict=False):
        for part in word.lower().split(","):
            span, _, step = part.partition("/")
            ends = [] if span == "*" else re.split(r"[-~]", span)  # ~: by chance, in cronie's
            bounds = {str(number) for number in range(least, most + 1)}.union(names)
            odd = [end for end in ends if end.isalnum() and (end.lstrip("0") or "0") not in bounds]
            if odd or not part or step == "0":
                return f"{name} {word}"
    return ""


def _wrong_line(path: str, line: str, root: str) -> tuple[str, str]:
    """Why one line never runs what it is meant to."""
    if in_folder(path) is not None or _SETTING.match(line) or path == "/etc/anacrontab":
        return "", ""
    if _names_users(path):
        words, count = line.split(), _times(line)
        user, command = "".join(words[count : count + 1]), "".join(words[count + 1 : count + 2])
        times = " ".join(words[:count])
        if "/" in user or (command.startswith("-") and not user.startswith("-")):
            return (
                f"the user is missing in front of the command: cron takes {user} for one",
                f"write in {path}: {times} root {' '.join(words[count:])}",
            )
        if not is_known(user, root):
            instead = f"write in {path}: {times} root {' '.join(words[count + 1 :])}"
            return f"there is no user {user}, whom it is to run as", instead
    if _days(path, line) == math.inf:
        return "no year has the day that it names", f"write in {path} a time like: 17 4 * * *"
    return "", ""


def _times(line: str) -> int:
    """How many words say when."""
    return 1 if line.startswith("@") else 5


def command_of(path: str, line: str) -> str:
    """A line without its times and its user."""
    if in_folder(path) is not None or _SETTING.match(line) or path == "/etc/anacrontab":
        return line
    before = _times(line) + _names_users(path)
    words = line.split(None, before)
    return words[-1] if len(words) > before else line


def _user(path: str, line: str) -> str:
    """Who runs it: as the line says, or whose table it is."""
    if _names_users(path):
        return "".join(line.split()[_times(line) :][:1])
    return os.path.basename(path) if path.startswith(OF_ONE_USER) else "root"


def _names_users(path: str) -> bool:
    """Whether each line says who runs it."""
    return path == "/etc/crontab" or path.startswith("/etc/cron.d/")


def in_folder(path: str) -> float | None:
    """The days between two runs of a script in cron.daily or its like; None for any other file."""
    return FOLDERS.get(os.path.dirname(path))


def _days(path: str, line: str) -> float | None:
    """The days between two runs."""
    if (days := in_folder(path)) is not None:
        return days
    fields = line.split()
    if fields[0] in NICKNAMES:
        return NICKNAMES[fields[0]]
    if len(fields) < 6 or not re.fullmatch(r"[\d*,/-]+", fields[0]):
        return None
    return longest_gap(fields[2], fields[3], fields[4])


@lru_cache(maxsize=64)
def longest_gap(day: str, month: str, weekday: str) -> float | None:
    """The most days between two that fit fields of cron's; infinite if none does, None if they are none.

    A day and a weekday that are both restricted are alternatives (crontab(5)).
    """
    try:
        days = _numbers(day, 1, 31)
        months = _numbers(month, 1, 12, MONTHS)
        weekdays = {number % 7 for number in _numbers(weekday, 0, 7, WEEKDAYS)}
    except ValueError:
        return None
    both = day.startswith("*") or weekday.startswith("*")
    fitting = []
    for number in range(PERIOD):
        today = BEGINNING + timedelta(number)
        on_day, on_weekday = today.day in days, today.isoweekday() % 7 in weekdays
        if today.month in months and ((on_day and on_weekday) if both else (on_day or on_weekday)):
            fitting.append(number)
    if not fitting:
        return math.inf
    return max(later - earlier for earlier, later in pairwise([*fitting, fitting[0] + PERIOD]))


def _numbers(field: str, least: int, most: int, names: Sequence[str] = ()) -> set[int]:
    """What a field of cron's stands for. Raises ValueError."""
    found: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if first == "*":
            low, high = least, most
        else:
            low = _number(first, names, least)
            high = _number(last, names, least) if last else (most if step else low)
        if not least <= low <= high <= most:
            raise ValueError(field)
        found.update(range(low, high + 1, max(1, int(step or 1))))
    return found


def _number(word: str, names: Sequence[str], least: int) -> int:
    return names.index(word[:3]) + least if word[:3] in names else int(word)
