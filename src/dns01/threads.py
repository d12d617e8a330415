"""Work that is done aside, or side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def aside(work: Callable[[], T]) -> Future[T]:
    """Begin the work, in a thread that the end of the process does not wait for; the future has what it
    gives or raises."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def side_by_side(works: Sequence[Callable[[], None]], most: int) -> None:
    """Do all of it, ``most`` of the works at once. What some raise does not stop the others; the first of
    these errors is raised once all have ended."""
    if len(works) == 1:
        works[0]()
        return
    with ThreadPoolExecutor(most) as pool:
        futures = [pool.submit(work) for work in works]
    for future in futures:
        future.result()
