"""Limits of what runs a client, after which it is stopped in the middle of a wait for name servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .....clients.setup.schedule.command_line import Line
from .....clients.setup.units import Unit, drop_in
from ...finding import Finding, Severity

SHORTEST_RUN = 120.0  # seconds: what an order takes where name servers are slow
SECONDS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400, "ms": 0.001}
ENOUGH = "1h"

_TIMEOUT = re.compile(
    r"(?<![\w.-])(timeout\s+(?:(?:-k|-s|--kill-after|--signal)\s+\S+\s+|-\S+\s+)*)(\d+(?:\.\d+)?[smhd]?)(?=\s)([^;&|]*)"
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def check(client: str, lines: Sequence[Line]) -> Iterator[Finding]:
    """timeout(1) in a command, and the limits of units (systemd.service(5))."""
    found = (finding for line in lines for finding in (*_by_command(client, line), *_by_unit(client, line)))
    yield from dict.fromkeys(found)


def _by_command(client: str, line: Line) -> Iterator[Finding]:
    for match in _TIMEOUT.finditer(line.command):
        before, limit, behind = match.groups()
        if re.search(rf"\b{client}\b", behind) and _seconds(limit) < SHORTEST_RUN:
            right = line.command.replace(match[0], f"{before}{ENOUGH}{behind}")
            yield _too_short(client, line.path, f"timeout {limit}", line.instead(right))


def _by_unit(client: str, line: Line) -> Iterator[Finding]:
    if line.unit and (key := _limit(line.unit)):
        span = line.unit.last(f"Service.{key}")
        step = drop_in(line.unit.name, f"{key}={ENOUGH}")
        yield _too_short(client, line.unit.files[0], f"{key}={span}", step)


def _limit(unit: Unit) -> str:
    """The setting that stops it: a oneshot is being started until it has ended, and has no other run."""
    is_oneshot = unit.last("Service.Type") == "oneshot"
    for key in ("TimeoutStartSec", "TimeoutSec") if is_oneshot else ("RuntimeMaxSec",):
        if span := unit.last(f"Service.{key}"):
            return key if 0 < _seconds(span) < SHORTEST_RUN else ""
    return ""


def _seconds(span: str) -> float:
    """A span of time in the words of either; 0, which stands for none, for what is no such span."""
    parts = _SPAN.findall(span)
    if not parts or any(unit not in SECONDS for _, unit in parts):
        return 0.0
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def _too_short(client: str, path: str, limit: str, step: str) -> Finding:
    message = f"{client} is stopped by {limit}, and a wait for name servers may take longer"
    return Finding("time-limit", Severity.WARNING, path, message, (step,))
