"""A few names stand for a whole zone at a server that does not have its newest change."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence

REPRESENTATIVES = 3  # names of a zone that are asked about at a server

Draw = Callable[[Sequence[str], int], list[str]]


class Sample:
    """The names of one zone at one address, in the order of their publishing.

    While it is narrow, the last one and two at random are asked about; once they are all there, it is
    widened, and every name is.
    """

    def __init__(self, names: Sequence[str], draw: Draw = random.sample) -> None:
        self.names = list(names)
        self.representatives: list[str] = []
        self._draw = draw
        self.narrow(names)
        self.watched = self.representatives or list(names)  # asked about now and then even once they pass

    @property
    def wide(self) -> bool:
        """Whether every name is to be asked about."""
        return not self.representatives

    def narrow(self, names: Sequence[str]) -> None:
        """Ask about REPRESENTATIVES of these names only, if there are more."""
        if len(names) > REPRESENTATIVES:
            self.representatives = [names[-1], *self._draw(names[:-1], REPRESENTATIVES - 1)]

    def widen(self) -> None:
        """Ask about every name from now on."""
        self.representatives = []

    def drop(self, names: Collection[str]) -> None:
        """Remove these names from the sample."""
        self.names = [name for name in self.names if name not in names]
        self.watched = [name for name in self.watched if name not in names]
        self.representatives = [name for name in self.representatives if name not in names]
