"""What runs a client again and again: systemd's timers and cron (``crontab.py``), read as text."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from glob import glob
from typing import NamedTuple

from ....regular_file import open_regular
from .crontab import CRONIE, Entry, entries, longest_gap
from .text_files import beneath, read_text

UNITS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
         "lib/systemd/system")  # fmt: skip
DAYS = {"minutely": 0, "hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "quarterly": 91, "yearly": 365,
        "annually": 365, "semiannually": 182}  # fmt: skip
LARGEST_SCRIPT = 1 << 16  # octets that are looked through
# Without any of these a client renews nothing; with a variable in the line, nobody knows.
RENEWS = {"dehydrated": r"-c\b|--cron\b|--signcsr|-s\b|\$", "certbot": r"renew|certonly|\brun\b|\$"}
RENEW = {"dehydrated": "dehydrated --cron", "certbot": "certbot -q renew"}
PROGRAMS = ("usr/bin", "usr/local/bin", "usr/sbin", "usr/local/sbin", "bin", "snap/bin")
CRON_PROGRAMS = ("usr/sbin/cron", *CRONIE)

_SETTING = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$", re.MULTILINE)
_SOURCED = re.compile(r"""(?:^|[;&|\s"'])(?:\.|source|eval)\s+\S""", re.MULTILINE)
_ASSIGNED = re.compile(r"""["']?([A-Za-z_]\w*)=([^\s"']*)""")


class Line(NamedTuple):
    """A command by the clock, the file that it stands in, and the variables that are set there for it;
    ``complete``: no others are, from a file that a shell reads there, say."""

    path: str
    text: str
    environ: Mapping[str, str]
    complete: bool = True


class Schedule(NamedTuple):
    """What runs a client by the clock. ``commands``: the lines that run the client. ``idle``: timers for it
    that are not enabled, and ``masked`` those that cannot be. ``days``: between two runs, by the most
    frequent of them. ``ignored``: cron's entries that would run it, each with the reason why it does not.
    ``lines``: ``commands``, and what the scripts say that they call."""

    commands: tuple[str, ...]
    idle: tuple[str, ...]
    masked: tuple[str, ...] = ()
    days: float | None = None
    ignored: tuple[Entry, ...] = ()
    lines: tuple[Line, ...] = ()


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
        timer: (line, when)
        for timer, line, when in _timers(root)
        if _runs(word, f"{timer} {line.text}", root)
    }
    masked = {timer for timer in timers if _is_masked(timer, root)}
    running = [
        (line._replace(text=line.text or timer), when)
        for timer, (line, when) in timers.items()
        if timer in enabled - masked
    ]
    cron = [entry for entry in entries(root) if _runs(word, entry.line, root)]
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        cron = [each for each in cron if "-d /run/systemd/system" not in each.line]  # Debian's own stand back
    cron = [_judged(entry, client, root) for entry in cron]
    taken = [entry for entry in cron if not entry.ignored]
    days = [_days(when) for _, when in running] + [1 if each.days is None else each.days for each in taken]
    return Schedule(
        (*(line.text for line, _ in running), *(entry.line for entry in taken)),
        tuple(sorted(timers.keys() - enabled - masked)),
        tuple(sorted(masked)),
        min(days, default=None),
        tuple(entry for entry in cron if entry.ignored),
        tuple(
            _all_lines(
                [*(line for line, _ in running), *(_of_cron(each, root) for each in taken)], word, root
            )
        ),
    )


def unit(service: str, root: str = "/") -> Line | None:
    """What a service of systemd runs, and with which variables; None if there is no such unit."""
    paths = [path for folder in UNITS if os.path.isfile(os.path.join(root, path := f"{folder}/{service}"))]
    return _service(service, root) if paths else None


def _of_cron(entry: Entry, root: str) -> Line:
    environ = _without_quotes(_SETTING.findall(read_text(entry.path, root) or ""))
    return Line(entry.path, entry.line, environ, not _SOURCED.search(entry.line))


def _without_quotes(assignments: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value.strip().strip("\"'") for name, value in assignments}


def _all_lines(lines: Sequence[Line], word: re.Pattern[str], root: str) -> Iterator[Line]:
    for line in lines:
        yield line
        for path in _scripts(line.text):
            text = _script(beneath(path, root)).replace("\\\n", " ")
            environ, complete = _set_by(text), line.complete and not _SOURCED.search(text)
            for called in text.splitlines():
                if word.search(called) and not called.lstrip().startswith("#"):
                    yield Line(path, called.strip(), {**line.environ, **environ}, complete)


def _set_by(script: str) -> dict[str, str]:
    """The variables of a script's lines that do nothing but set some."""
    found: dict[str, str] = {}
    for line in script.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        words = words[1:] if words[:1] == ["export"] else words
        if all(re.match(r"[A-Za-z_]\w*=", word) for word in words):
            found |= dict(word.split("=", 1) for word in words)
    return found


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
    if program.startswith("/") and there and not os.path.isfile(beneath(program, root)):
        ignored = f"there is no program {program}"
        remedy = f"write in {entry.path}: {entry.line.replace(program, there[0])}"
        return entry._replace(ignored=ignored, remedy=remedy)
    return entry


def _runs(word: re.Pattern[str], line: str, root: str) -> bool:
    """Whether the line runs the client, or a script that does."""
    if word.search(line):
        return True
    return any(word.search(_script(beneath(path, root))) for path in _scripts(line))


def _scripts(line: str) -> list[str]:
    return re.findall(r"(?<![\w.])/[\w./-]+", line)[:5]


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


def _timers(root: str) -> Iterator[tuple[str, Line, str]]:
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
        when = re.search(r"^OnCalendar=(.*)$", text, re.MULTILINE)
        yield timer, _service(service, root), when[1] if when else ""


def _service(service: str, root: str) -> Line:
    texts = {path: read_text(path, root) for folder in UNITS for path in [f"/{folder}/{service}"]}
    text = "\n".join(filter(None, texts.values()))
    runs = re.findall(r"^ExecStart(?:Pre|Post)?=(.*)$", text, re.MULTILINE)
    files = re.findall(r"^EnvironmentFile=-?(.*)$", text, re.MULTILINE)
    variables = re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
    set_there = _SETTING.findall("\n".join(read_text(file.strip(), root) or "" for file in files))
    set_there += [(name, value) for line in variables for name, value in _ASSIGNED.findall(line)]
    path, run = next((path for path, text in texts.items() if text), ""), "; ".join(runs)
    return Line(path, run, _without_quotes(set_there), not _SOURCED.search(run))
