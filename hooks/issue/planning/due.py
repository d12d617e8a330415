"""Whether a certificate is due, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ...deploy.certificate.leaf import Leaf
from .renewal_windows import RenewalWindow

SHORT_LIVED = timedelta(days=10)


class Due(NamedTuple):
    """When a certificate is due, and why. ``at``: when it is to be renewed, epoch seconds. ``replaces``:
    whether the order is one that the CA has asked for by its window, and exempt from its limits."""

    at: float
    reason: str
    replaces: bool = False


def due(leaf: Leaf | None, names: Sequence[str], window: RenewalWindow | None) -> Due:
    """When the certificate is to be renewed; at once where there is none, or one for other names."""
    if leaf is None:
        return Due(0.0, "there is none yet")
    if set(leaf.names) != set(names):
        return Due(0.0, f"its names have changed: {_difference(set(leaf.names), set(names))}")
    not_after = leaf.not_after.timestamp()
    if window and window.chosen and window.start < not_after:
        span = f"{_day(window.start)} to {_day(window.end)}"
        return Due(window.chosen, f"the CA's renewal window is {span}", replaces=True)
    lifetime = leaf.not_after - leaf.not_before
    share = 2 if lifetime <= SHORT_LIVED else 3
    at = (leaf.not_after - lifetime / share).timestamp()
    return Due(at, f"a {'half' if share == 2 else 'third'} of its lifetime is left from {_day(at)} on")


def _difference(present: set[str], wanted: set[str]) -> str:
    changes = [f"+{name}" for name in sorted(wanted - present)] + [
        f"-{name}" for name in sorted(present - wanted)
    ]
    return " ".join(changes[:6]) + (f" and {len(changes) - 6} more" if len(changes) > 6 else "")


def _day(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M}"
