"""What is kept of orders on this machine and, but for keys, in the database of the fleet.

The machine's own file is written first: it has the key. Whoever has lost its lease goes no further.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ....errors import AcmeError
from ...deploy.certificate.leaf import Leaf
from ..files import current
from ..order_state import OrderState, OrderStates
from ..planning.due import due
from ..planning.limits import Event
from .leases import Leases


class FleetStates(OrderStates):
    """The states of orders, on this machine and in the database. ``folder``: where this machine keeps its
    certificates."""

    def __init__(
        self, state: str, leases: Leases, folder: str, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(state)
        self._leases = leases
        self._certificates = folder
        self._clock = clock
        self._known: dict[str, OrderState] = {}

    def write(self, kept: OrderState) -> None:
        """Write the state here and in the database. Raises AcmeError where another machine has the lease."""
        super().write(kept)
        before = self._known.get(kept.name, OrderState(kept.name))
        self._known[kept.name] = kept
        if kept.undelivered and not before.undelivered:
            if leaf := current(self._certificates, kept.name):
                self.issued(kept.name, leaf)
        elif kept.next_try > self._clock():
            wait = kept.next_try - self._clock()
            self._leases.failed(kept.name, kept.order, kept.failures, wait, kept.error)
        elif kept.is_open and not (
            self._leases.order_opened(kept.name, kept.order) if kept.order else self._leases.hold(kept.name)
        ):
            raise _taken_over(kept.name)

    def issued(self, name: str, leaf: Leaf) -> None:
        """Record in the database that the certificate is on this machine."""
        self._leases.issued(name, leaf, due(leaf, leaf.names, None).at)

    def finalizing(self, kept: OrderState) -> None:
        """Write into the database that this machine has the key, before the CA issues. Raises AcmeError."""
        if not self._leases.finalizing(kept.name):
            raise _taken_over(kept.name)

    def count(self, account: str, event: Event) -> None:
        """Nothing to do: the order was counted when the lease was taken."""

    def prune(self, now: float) -> None:
        """Nothing to do: the database forgets old events by itself."""


def _taken_over(name: str) -> AcmeError:
    return AcmeError(
        f"{name}: the lease of this machine is over, and another one may be at work on it",
        "see what held this machine up; a longer lease in [fleet] gives it more time",
    )
