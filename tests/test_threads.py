"""Threads: what several want at the same time, and work that is done side by side."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from dns01.threads import Shared, side_by_side

PATIENCE = 300.0  # seconds: what takes longer hangs


def test_what_is_wanted_while_it_is_done_is_done_once_for_all() -> None:
    shared = Shared[int]()
    begun, going_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert going_on.wait(PATIENCE)
        return 7

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shared.do, "it", work)
        assert begun.wait(PATIENCE)
        others: list[int] = []
        other = threading.Thread(target=lambda: others.append(shared.do("it", lambda: 8)), daemon=True)
        other.start()
        while _innermost(other) != "wait":
            time.sleep(0.01)
        going_on.set()
        other.join(PATIENCE)

    assert (first.result(), others) == (7, [7])


def _innermost(thread: threading.Thread) -> str:
    """The function that a thread is in."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame.f_code.co_name if frame else ""


def test_an_error_is_raised_and_not_remembered() -> None:
    shared = Shared[int]()

    with pytest.raises(ZeroDivisionError):
        shared.do("it", lambda: 1 // 0)

    assert shared.do("it", lambda: 7) == 7


def test_other_things_are_done_meanwhile() -> None:
    shared = Shared[int]()

    assert shared.do("one", lambda: shared.do("other", lambda: 7)) == 7


def test_fifty_works_go_eight_at_once_and_one_that_hangs_holds_nobody_up() -> None:
    others_done = threading.Semaphore(0)
    eight = threading.Barrier(7)  # the eighth is the one that hangs
    lock = threading.Lock()
    running: list[int] = []
    most: list[int] = []

    def hang() -> None:
        for _ in range(49):
            assert others_done.acquire(timeout=PATIENCE)

    def work(number: int) -> None:
        with lock:
            running.append(number)
            most.append(len(running))
        if number < 7:
            eight.wait(PATIENCE)
        with lock:
            running.remove(number)
        others_done.release()

    side_by_side([hang, *(partial(work, number) for number in range(49))], 8, each=True)

    assert max(most) == 7


def test_an_error_stops_none_of_the_others_and_is_raised_at_the_end() -> None:
    done: list[int] = []

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        side_by_side([fail, *(partial(done.append, number) for number in range(9))], 2, each=True)
    assert sorted(done) == list(range(9))
