"""Several steps at a time, with the errors of one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait


def side_by_side(steps: Sequence[Callable[[], None]], at_once: int) -> None:
    """Do the steps, so many at a time. Once one has failed, or a signal has come, no other is begun, and
    those at work are waited for. Raises the error of the first, in their order, that failed."""
    if at_once < 2 or len(steps) < 2:
        for step in steps:
            step()
        return
    with ThreadPoolExecutor(min(at_once, len(steps))) as pool:
        try:
            running = [pool.submit(step) for step in steps]
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(cancel_futures=True)
    for each in running:
        if not each.cancelled():
            each.result()
