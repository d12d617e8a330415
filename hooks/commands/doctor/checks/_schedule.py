"""What runs a client again and again: systemd's timers and cron, read as text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import glob
from typing import NamedTuple

from ....clients.dehydrated import read_text

UNITS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
         "lib/systemd/system")  # fmt: skip
CRON = ("etc/crontab", "etc/cron.d/*", "etc/cron.hourly/*", "etc/cron.daily/*", "etc/cron.weekly/*",
        "etc/cron.monthly/*", "var/spool/cron/crontabs/*", "var/spool/cron/*", "etc/anacrontab")  # fmt: skip


class Schedule(NamedTuple):
    """``commands``: the lines that run the client. ``idle``: timers for it that are not enabled."""

    commands: tuple[str, ...]
    idle: tuple[str, ...]


def of(client: str, root: str = "/") -> Schedule:
    """Whatever runs the client by the clock."""
    word = re.compile(rf"\b{re.escape(client)}\b")
    links = (link for folder in UNITS for link in glob(f"{root}/{folder}/*.wants/*.timer"))
    enabled = set(map(os.path.basename, links))
    timers = {timer: line for timer, line in _timers(root) if word.search(f"{timer} {line}")}
    running = [line or timer for timer, line in timers.items() if timer in enabled]
    cron = [line for line in _crontabs(root) if word.search(line)]
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        cron = [line for line in cron if "-d /run/systemd/system" not in line]  # Debian's own stand back
    return Schedule((*running, *cron), tuple(sorted(timers.keys() - enabled)))


def _timers(root: str) -> Iterator[tuple[str, str]]:
    """Every timer, and what its service runs."""
    for path in (path for folder in UNITS for path in glob(f"{root}/{folder}/*.timer")):
        unit = re.search(r"^Unit=(.*)$", read_text(path) or "", re.MULTILINE)
        service = unit[1].strip() if unit else os.path.basename(path).removesuffix(".timer") + ".service"
        texts = [read_text(f"{root}/{folder}/{service}") or "" for folder in UNITS]
        runs = re.findall(r"^ExecStart(?:Pre|Post)?=(.*)$", "\n".join(texts), re.MULTILINE)
        yield os.path.basename(path), "; ".join(runs)


def _crontabs(root: str) -> Iterator[str]:
    for path in (path for pattern in CRON for path in sorted(glob(f"{root}/{pattern}"))):
        for line in (read_text(path) or "").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()
