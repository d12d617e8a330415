"""The locks of the state folder: one for each zone, so that no two hooks write to it at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from ...errors import StateError
from .atomic import readable, usable
from .folder import private_folder

LOCK_PAUSE = 0.05  # seconds between two tries


@contextmanager
def locks(
    state: str, things: Mapping[str, str], timeout: float, sleep: Callable[[float], None]
) -> Iterator[None]:
    """Hold several locks of the state folder: ``things`` says by each one's name what it guards.

    They are taken in sorted order, so that no two processes wait for each other. Raises StateError,
    which names the holder, when one is not free within ``timeout`` seconds.
    """
    folder = os.path.join(state, "locks")
    files = {os.path.join(folder, f"{readable(name)}.lock"): what for name, what in things.items()}
    with ExitStack() as held:
        with usable(state):
            private_folder(state)
            private_folder(folder)
            for path, what in sorted(files.items()):
                held.enter_context(locked(path, what, timeout, sleep))
        yield


@contextmanager
def locked(path: str, what: str, timeout: float, sleep: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock file; it says who does, and stays when it is let go.

    The kernel lets go of it when the process ends, however it ends. Raises OSError, and StateError,
    which names the holder, when ``what`` is not free within ``timeout`` seconds.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
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
                holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "?"
                raise StateError(
                    f"{what} has been locked by process {holder} for more than {timeout:g} s",
                    f"see what it does (ps -fp {holder}) and try again when it has ended",
                ) from None
        sleep(LOCK_PAUSE)
        waited += LOCK_PAUSE
