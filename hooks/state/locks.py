"""The locks of the state folder: one for each zone, so that no two hooks write to it at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from ...lockfile import locked
from .atomic import readable, usable
from .folder import private_folder


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
