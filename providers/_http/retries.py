"""Repeats a step while what it meets may pass, within a budget."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from ...errors import Busy, Transient

T = TypeVar("T")


def repeated(step: Callable[[], T], budget: float, sleep: Callable[[float], None]) -> T:
    """What the step gives in the end. ``budget``: seconds that it may take until it is no longer
    repeated. Raises what the step raises."""

    def is_spent(state: RetryCallState) -> bool:
        # Time asked for counts as time spent, so that a Retry-After beyond the budget ends it at once.
        spent = max(state.seconds_since_start or 0.0, state.idle_for)
        return spent + state.upcoming_sleep > budget

    retrying = Retrying(
        sleep=sleep, retry=retry_if_exception_type(Transient), wait=_pause, stop=is_spent, reraise=True
    )
    return retrying(step)


def _pause(state: RetryCallState) -> float:
    """Ever longer, by chance (so that many machines do not come back at once), and at least as long
    as the API wishes."""
    error = state.outcome.exception() if state.outcome else None
    wish = error.retry_after or 0.0 if isinstance(error, Busy) else 0.0
    return wish + random.random() if wish else wait_random_exponential(multiplier=0.5, max=30)(state)
