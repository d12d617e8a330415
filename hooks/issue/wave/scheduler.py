"""Steps that are due at some time, done by a few threads: nobody sleeps while another step is due."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

WORKERS = 8
TICK = 0.5  # seconds between two looks of who waits for the end: a signal is served in between


class Scheduler:
    """``with Scheduler() as scheduler: scheduler.submit(step, delay=2); scheduler.join()``

    A step that raises ends it all: ``join`` raises that. Steps may submit others.
    """

    def __init__(self, workers: int = WORKERS, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._steps: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._at_work = 0
        self._error: BaseException | None = None
        self._stopped = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def __enter__(self) -> Scheduler:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """What is still to be done is left; what is at work is not waited for."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def submit(self, step: Callable[[], None], delay: float = 0.0) -> None:
        """Run the step in so many seconds, or as soon as a thread is free after that."""
        with self._changed:
            heapq.heappush(self._steps, (self._clock() + delay, next(self._numbers), step))
            self._changed.notify()

    def join(self) -> None:
        """Return once nothing is left to be done. Raises what a step has raised."""
        with self._changed:
            while (self._steps or self._at_work) and not self._error:
                self._changed.wait(TICK)
            if self._error:
                raise self._error

    def _work(self) -> None:
        while step := self._next():
            try:
                step()
            except BaseException as error:
                with self._changed:
                    self._error = self._error or error
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._stopped and not self._error:
                wait = self._steps[0][0] - self._clock() if self._steps else TICK
                if self._steps and wait <= 0:
                    self._at_work += 1
                    return heapq.heappop(self._steps)[2]
                self._changed.wait(min(wait, TICK))
            return None
