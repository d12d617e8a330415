"""Locks between processes: files that are held for a while, and waited for no longer than is said."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from .errors import StateError

RETRY_INTERVAL = 0.05  # seconds between two tries


@contextmanager
def locked(path: str, what: str, timeout: float, sleep: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock file; it says who does, and stays when it is let go.

    The kernel lets go of it when the process ends, however it ends. Raises OSError, and StateError,
    which names the holder, when ``what`` is not free within ``timeout`` seconds.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(lock, what, timeout, sleep)
        with suppress(OSError):  # a full disk is no reason not to clean up
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def _wait_for(lock: int, what: str, timeout: float, sleep: Callable[[float], None]) -> None:
    waited = 0.0
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if waited >= timeout:
                raise _held(lock, what, timeout) from None
        sleep(RETRY_INTERVAL)
        waited += RETRY_INTERVAL


def _held(lock: int, what: str, timeout: float) -> StateError:
    holder = "?"
    with suppress(OSError):  # a FIFO has no place to read from
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "?"
    how_long = f"has been locked by process {holder} for more than {timeout:g} s"
    return StateError(
        f"{what} {how_long if timeout else f'is locked by process {holder}'}",
        f"see what it does (ps -fp {holder}) and try again when it has ended",
    )
