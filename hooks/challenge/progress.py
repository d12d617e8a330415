"""What a person sees of a long wait."""

from __future__ import annotations

import sys
from typing import Any

from ...output import step
from .propagation import PropagationCheck

SHOW_AFTER = 2.0  # seconds that a wait may take before anything is shown of it
REMINDER_INTERVAL = 60.0  # seconds between two lines where there is no terminal for a live table


class Progress:
    """Shows a long wait: on a terminal a live table of name and server, elsewhere a line a minute.

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

    def __call__(self, watch: PropagationCheck, now: float) -> None:
        if now < self._next:
            return
        if sys.stderr.isatty():
            self._next = now + 0.2
            self._show(watch, now)
        else:
            self._next = now + REMINDER_INTERVAL
            held_up_by = ", ".join(watch.waiting_for(now)) or "enough servers that answer"
            step(f"after {now:.0f} s still waiting for {held_up_by}")

    def _show(self, watch: PropagationCheck, now: float) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.table import Table
        from rich.text import Text

        if self._live is None:
            # without markup, which an address in brackets would be taken for
            console = Console(stderr=True, markup=False)
            self._live = Live(console=console, transient=True, auto_refresh=False)
            self._live.start()
        rows = sorted(watch.rows(), key=lambda row: (row.passed, row.name))
        room = max(3, self._live.console.height - 6)
        title = f"{sum(row.passed for row in rows)} of {len(rows)} after {now:.0f} s"
        shown = Table("name", "server", "says", "since", title=title)
        for row in rows[:room]:
            words = Text(row.words, "green" if row.passed else "yellow")
            shown.add_row(row.name, f"{row.server} ({row.address})", words, f"{now - row.since:.0f} s")
        if len(rows) > room:
            shown.caption = f"and {len(rows) - room} more"
        self._live.update(shown, refresh=True)
