"""What a person sees of a wave: a live display on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from .... import output
from ...challenge.readiness.check import ReadinessCheck
from .issuance import ORDER_OF_STAGES, Issuance

REFRESH, REMIND = 0.5, 60.0  # seconds between two looks on a terminal, and elsewhere
SLOWEST = 5  # servers shown


class WaveProgress:
    """``with WaveProgress(issuances) as progress: …``, and ``progress.servers(watch, now)`` in the wait."""

    def __init__(self, issuances: Sequence[Issuance], clock: Callable[[], float] = time.monotonic) -> None:
        self._issuances = issuances
        self._clock = clock
        self._began = clock()
        self._slowest: list[str] = []
        self._looked = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> WaveProgress:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join(REFRESH)

    def servers(self, watch: ReadinessCheck, now: float) -> None:
        """Show which name servers hold the wait up."""
        if now - self._looked >= REFRESH:
            self._looked = now
            self._slowest = watch.waiting_for(now)[:SLOWEST]

    def line(self) -> str:
        """How many certificates have reached each stage, in one line."""
        stages = Counter(each.stage for each in self._issuances)
        reached = {
            stage: sum(stages[later] for later in ORDER_OF_STAGES[position:])
            for position, stage in enumerate(ORDER_OF_STAGES)
            if position
        }
        shown = [f"{count} {stage}" for stage, count in reached.items() if count]
        shown += [f"{stages[stage]} {stage}" for stage in ("failed", "deferred") if stages[stage]]
        line = f"{', '.join(shown) or 'nothing ordered yet'} of {len(self._issuances)}"
        return f"{line}; waiting for {', '.join(self._slowest)}" if self._slowest else line

    def _show(self) -> None:
        if not sys.stderr.isatty():
            while not self._over.wait(REMIND):
                output.step(f"after {self._clock() - self._began:.0f} s: {self.line()}")
            return
        live = _live()
        with live:
            while not self._over.wait(REFRESH):
                line = output.printable(self.line())
                live.update(f"{self._clock() - self._began:4.0f} s  {line}", refresh=True)


def _live() -> Any:
    from rich.console import Console
    from rich.live import Live

    return Live(console=Console(stderr=True, markup=False), transient=True, auto_refresh=False)
