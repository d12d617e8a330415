"""What a person sees of a long wait for name servers."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ....output import is_terminal, printable, step
from .check import ReadinessCheck
from .observation import ProgressRow

SHOW_AFTER = 2.0  # seconds that a wait may take before anything is shown of it
REMINDER_INTERVAL = 60.0  # seconds between two lines where there is no terminal for a live table
REFRESH_INTERVAL = 0.2  # seconds between two pictures on a terminal


class Progress:
    """Shows a long wait: on a terminal a live table of each name's servers, elsewhere a line a minute.

    ``with Progress() as progress: wait(targets, progress)``
    """

    def __init__(self) -> None:
        self._live: Any = None
        self._next = SHOW_AFTER

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, check: ReadinessCheck, now: float) -> None:
        if now < self._next:
            return
        if is_terminal():
            self._next = now + REFRESH_INTERVAL
            self._show(check, now)
        else:
            self._next = now + REMINDER_INTERVAL
            held_up_by = ", ".join(check.waiting_for(now)) or "enough servers that answer"
            step(f"after {now:.0f} s (of {_limit(check):.0f} s) still waiting for {held_up_by}")

    def _show(self, check: ReadinessCheck, now: float) -> None:
        from rich.console import Console
        from rich.live import Live

        if self._live is None:
            # without markup, which an address in brackets would be taken for
            console = Console(stderr=True, markup=False)
            self._live = Live(console=console, transient=True, auto_refresh=False)
            self._live.start()
        self._live.update(picture(check, now, self._live.console.height - 2), refresh=True)


def picture(check: ReadinessCheck, now: float, height: int) -> Any:
    """The clock with its limit, and each name with its servers beneath it, those that hold things up
    first; no more than ``height`` lines. A renderable of rich's."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    rows = sorted(check.rows(), key=lambda row: (row.passed, row.name))
    lines: list[Any] = [Text(_clock(check, rows, now))]
    shown, columns = 0, [max((len(str(row[i])) for row in rows), default=1) for i in (1, 2)]
    for name, of_name in groupby(rows, key=lambda row: row.name):
        if height - len(lines) - shown < 3:
            break
        lines.append(Text(printable(name), "bold"))
        table = Table.grid(padding=(0, 2))
        for width in columns:
            table.add_column(no_wrap=True, min_width=width)
        table.add_column()
        table.add_column(justify="right", no_wrap=True)
        for row in list(of_name)[: height - len(lines) - shown - 1]:
            words = Text(printable(row.summary), "green" if row.passed else "yellow")
            table.add_row(f"  {row.server}", str(row.address), words, f"{now - row.since:.0f} s")
            shown += 1
        lines.append(table)
    if shown < len(rows):
        lines.append(Text(f"and {len(rows) - shown} more"))
    return Group(*lines)


def _clock(check: ReadinessCheck, rows: list[ProgressRow], now: float) -> str:
    passed = sum(row.passed for row in rows)
    rounds = max((target.profile.rounds for target in check.targets), default=1)
    expected = f"; each is to have it {rounds} times, {check.timing.round:.0f} s apart" if rounds > 1 else ""
    return f"{passed} of {len(rows)} have it after {now:.0f} s, {_limit(check):.0f} s at most{expected}"


def _limit(check: ReadinessCheck) -> float:
    """Seconds until the first time-out."""
    return min((target.profile.timeout for target in check.targets), default=0.0)
