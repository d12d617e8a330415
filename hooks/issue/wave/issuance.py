"""One certificate on its way through a wave: what is known of it, and what has come of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from ....errors import HookError
from ...clients.call import Certificate
from ..acme.order import Authorization, Order
from ..order_state import OrderState
from ..planning.plan import Planned

Stage = Literal["planned", "ordered", "published", "ready", "valid", "issued", "failed", "deferred"]
ORDER_OF_STAGES: tuple[Stage, ...] = ("planned", "ordered", "published", "ready", "valid", "issued")


class Issuance:
    """A certificate in a wave. ``stage`` and ``seconds`` tell how far it is and since when (of the wave's own
    time). Its fields are changed by one step at a time."""

    def __init__(self, planned: Planned, clock: Callable[[], float]) -> None:
        self.planned = planned
        self.wanted = planned.wanted
        # an order that is open, and of no use any more, is not gone on with
        self.kept: OrderState = planned.kept if planned.verdict == "go on" else planned.kept.closed()
        self.replaces = planned.replaces
        self.order: Order | None = None
        self.authorizations: list[Authorization] = []
        self.stage: Stage = "planned"
        self.seconds: dict[str, float] = {}
        self.error: HookError | None = None
        self.certificate: Certificate | None = None
        self.deadline = 0.0  # of the monotonic clock
        self.lock = threading.Lock()
        self._clock = clock

    @property
    def name(self) -> str:
        """What the certificate is called in the inventory, in files and in messages."""
        return self.wanted.name

    @property
    def is_over(self) -> bool:
        """Whether this run does nothing more for it."""
        return self.stage in ("issued", "failed", "deferred")

    @property
    def validates(self) -> bool:
        """Whether the CA may still ask for one of its records."""
        return not self.is_over and self.stage != "valid"

    def reach(self, stage: Stage) -> None:
        """Note the stage that the certificate has reached, and when."""
        if not self.is_over:
            self.stage = stage
            self.seconds[stage] = round(self._clock(), 3)

    def fail(self, error: HookError, stage: Stage = "failed") -> None:
        """Note why the certificate goes no further in this wave."""
        if not self.is_over:
            self.error = error
            self.reach(stage)

    def pending(self) -> list[Authorization]:
        """The authorizations that the CA does not hold yet, and that it can still be given."""
        return [each for each in self.authorizations if each.status == "pending" and each.challenge]
