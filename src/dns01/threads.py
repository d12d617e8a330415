"""Threads: work in the background, work done once for several who want it, and works side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache, partial, wraps
from typing import TYPE_CHECKING, Generic, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


def in_background(work: Callable[[], T]) -> Future[T]:
    """Begin the work, in a thread that the end of the process does not wait for; the future has what it
    gives or raises."""
    from concurrent.futures import Future

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def in_background_once(most: int) -> Callable[[Callable[[*Arguments], T]], Callable[[*Arguments], Future[T]]]:
    """Decorate a function so that its work is done in the background, once for the same arguments: whoever
    calls it with them gets the one future. The futures of the last ``most`` are kept; the arguments have to
    be hashable."""

    def decorate(work: Callable[[*Arguments], T]) -> Callable[[*Arguments], Future[T]]:
        beginning = threading.Lock()  # of two threads with the same arguments, lru_cache would let both begin

        @lru_cache(maxsize=most)
        def begin(*args: *Arguments) -> Future[T]:
            return in_background(partial(work, *args))

        @wraps(work)
        def begun(*args: *Arguments) -> Future[T]:
            with beginning:
                return begin(*args)

        return begun

    return decorate


class Shared(Generic[T]):
    """What several threads want at the same time is done once, by the first of them; what it gives or
    raises is for all who have come by then. It is not remembered."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Result[T]] = {}
        self._lock = threading.Lock()

    def do(self, what: Hashable, work: Callable[[], T]) -> T:
        """Do the work, or wait for the thread that is at it. The work must not call this again."""
        with self._lock:
            result = self._under_way.get(what)
            first = result is None
            if result is None:
                result = self._under_way[what] = Result()
        if first:
            try:
                result.come_from(work)
            finally:
                with self._lock:
                    del self._under_way[what]
        return result.wait()


class Result(Generic[T]):
    """What a work gives or raises, for all who wait for it: as a Future, without logging, which comes with
    that."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._error: BaseException | None = None

    def come_from(self, work: Callable[[], T]) -> None:
        """Do the work, and keep what it gives or raises for those who wait. Raises nothing."""
        try:
            self._value = work()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def wait(self, seconds: float | None = None) -> T:
        """Give or raise what the work has. Raises TimeoutError if that takes longer than ``seconds``."""
        if not self._done.wait(seconds):
            raise TimeoutError
        if self._error:
            raise self._error
        return self._value


def side_by_side(works: Sequence[Callable[[], None]], most: int, *, each: bool = False) -> None:
    """Do the works, ``most`` at once. Once one has failed, or a signal has come, no other is begun, and those
    under way are waited for; with ``each``, all are done, whatever becomes of the others. Raises the error of
    the first, in their order, that failed."""
    if len(works) < 2 or (most < 2 and not each):
        for work in works:
            work()
        return
    from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait

    failed = threading.Event()

    def begin(work: Callable[[], None]) -> None:
        """Whoever has failed would go on with the next, until this function is told of it."""
        if each or not failed.is_set():
            try:
                work()
            except BaseException:
                failed.set()
                raise

    with ThreadPoolExecutor(min(most, len(works))) as pool:
        try:
            running = [pool.submit(begin, work) for work in works]
            wait(running, return_when=ALL_COMPLETED if each else FIRST_EXCEPTION)
        finally:
            pool.shutdown(cancel_futures=not each)
    for future in running:
        if not future.cancelled():
            future.result()
