"""What a person sees: lines on stderr in dehydrated's manner, with every secret blotted out.

Nothing is ever written to stdout: dehydrated takes the output of one phase for a CSR, and
certbot carries that of another through the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..secret import redact

if TYPE_CHECKING:
    from .ready import Watch

QUIET = 2.0  # seconds that a wait may take before anything is shown of it
REMIND = 60.0  # seconds between two lines where there is no terminal for a live table


def step(text: str) -> None:
    """One thing that was done or is about to be."""
    _write(f" + {text}")


def warning(text: str) -> None:
    """Something that did not stop the work, and that somebody should look at."""
    _write(f" ! {text}")


def failure(message: str, hint: str = "") -> None:
    """What went wrong in one line, and in the next what to do about it."""
    _write(f"dns01: {message}")
    if hint:
        _write(f"   -> {hint}")


def account(name: str, provider: str) -> str:
    """What an account is called, with its provider where that is another name."""
    return name if name == provider else f"{name} ({provider})"


def table(lines: Iterable[str]) -> None:
    """The lines of a report, beneath what was said before."""
    for line in lines:
        _write(f"     {line}")


def trace(error: BaseException) -> None:
    """The traceback of an error: only for DNS01_DEBUG, and without the secrets even there."""
    import traceback

    _write("".join(traceback.format_exception(error)))


class Progress:
    """Shows a long wait: on a terminal a live table of name and server, elsewhere a line a minute.

    ``with Progress() as progress: wait(targets, progress)``
    """

    def __init__(self) -> None:
        self._live: Any = None
        self._next = QUIET

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, watch: Watch, now: float) -> None:
        if now < self._next:
            return
        if sys.stderr.isatty():
            self._next = now + 0.2
            self._show(watch, now)
        else:
            self._next = now + REMIND
            held_up_by = ", ".join(watch.waiting_for(now)) or "enough servers that answer"
            step(f"after {now:.0f} s still waiting for {held_up_by}")

    def _show(self, watch: Watch, now: float) -> None:
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


def _write(text: str) -> None:
    with suppress(OSError, ValueError):  # a client that closed our stderr is no reason to stop
        print(redact(text), file=sys.stderr, flush=True)
