"""What is due, why, and what of it the CA's limits allow now. Nothing is ordered here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from ...clients.ca_rate_limits import LONGEST_WINDOW
from ...deploy.certificate.leaf import Leaf
from ..files import current
from ..inventory.read import WantedCertificate
from ..order_state import OrderState
from ..section import CaSection
from .due import due
from .limits import Budget
from .renewal_windows import RenewalWindow

Verdict = Literal["order", "go on", "deliver", "not due", "back-off", "limit", "set aside"]


class Planned(NamedTuple):
    """One certificate. ``verdict``: what is done with it now; ``reason``: why. ``at``: when it is due
    or allowed, epoch seconds. ``replaces``: the identifier that the order names (RFC 9773 §5)."""

    wanted: WantedCertificate
    kept: OrderState
    verdict: Verdict
    reason: str
    at: float = 0.0
    replaces: str = ""
    not_after: float = 0.0  # epoch seconds, of the certificate that is there; 0 where there is none

    @property
    def is_work(self) -> bool:
        """Whether the CA is to be asked for something."""
        return self.verdict in ("order", "go on")


def read_leaves(folder: str, wanted: Iterable[WantedCertificate]) -> dict[str, Leaf | None]:
    """The certificates that are there, by name."""
    return {each.name: current(folder, each.name) for each in wanted}


def make_plan(
    certificates: Iterable[WantedCertificate],
    leaves: Mapping[str, Leaf | None],
    kept: Mapping[str, OrderState],
    windows: Mapping[str, RenewalWindow],
    ca: CaSection,
    budget: Budget,
    now: float,
    forced: Collection[str] = (),
) -> list[Planned]:
    """What to do with each, the most urgent first. ``forced``: those to try now although they are
    not due or have failed; the CA's limits hold for them as well.

    A budget that is handed in counts what is planned.
    """
    planned = []
    for wanted in certificates:
        state = kept.get(wanted.name) or OrderState(wanted.name)
        leaf = leaves.get(wanted.name)
        window = windows.get(leaf.renewal_id) if leaf else None
        planned.append(_judge(wanted, leaf, state, window, ca, now, wanted.name in forced))
    planned.sort(key=lambda each: (not each.is_work, each.not_after, each.wanted.name))
    return [_within(each, budget, now) for each in planned]


def _judge(
    wanted: WantedCertificate,
    leaf: Leaf | None,
    kept: OrderState,
    window: RenewalWindow | None,
    ca: CaSection,
    now: float,
    forced: bool,
) -> Planned:
    verdict = due(leaf, wanted.names, window)
    not_after = leaf.not_after.timestamp() if leaf else 0.0
    replaces = ""
    if window and verdict.replaces and window.directory == ca.directory and not kept.may_not_replace:
        replaces = window.id
    planned = Planned(wanted, kept, "order", verdict.reason, verdict.at, replaces, not_after)
    if forced and verdict.at > now:
        planned = planned._replace(reason=f"asked for by name; {verdict.reason}", at=now)
    # What is more than a week ahead was written by a clock that was wrong.
    if now < kept.next_try <= now + LONGEST_WINDOW and (kept.is_limited or not forced):
        why = "the CA takes no more" if kept.is_limited else f"it has failed {_times(kept.failures)}"
        again = f"{why}: {kept.error}"
        return planned._replace(verdict="back-off", reason=again, at=kept.next_try)
    if kept.is_open and kept.names == wanted.names and kept.directory == ca.directory:
        return planned._replace(verdict="go on", reason="its order is open", replaces=kept.replaces)
    if planned.at > now:
        if kept.undelivered:
            return planned._replace(verdict="deliver", reason="it has not been brought to its targets")
        return planned._replace(verdict="not due")
    return planned


def _within(planned: Planned, budget: Budget, now: float) -> Planned:
    """An order that is exempt, or open already, costs the budget nothing."""
    if planned.verdict != "order" or planned.replaces:
        return planned
    fit = budget.fit(planned.wanted.names, now)
    budget.take(planned.wanted.names, fit.at)
    if fit.limit and fit.at > now:
        return planned._replace(verdict="limit", reason=f"the CA allows {fit.limit.title}", at=fit.at)
    return planned


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
