"""Repeats a step while what it meets may pass, within a budget."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from ...deadline import remaining
from ...errors import Busy, ProviderError, Transient

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between two tries: at most the first, at most any
QUIET = 5.0  # seconds of pauses that nobody needs to hear of
LEAST_WISH = 1.0  # seconds: an API that wants a shorter pause would be asked without end


def repeated(
    step: Callable[[], T],
    budget: float,
    sleep: Callable[[float], None],
    say: Callable[[str], None] = lambda line: None,
) -> T:
    """What the step gives in the end. ``budget``: seconds that it may take until it is no longer
    repeated; ``say`` is told once why that takes so long. Raises what the step raises."""
    told = False

    unsure = False  # whether a try before may have changed something after all

    def once() -> T:
        nonlocal unsure
        try:
            return step()
        except ProviderError as error:
            error.definite = error.definite and not unsure
            unsure = not error.definite
            raise

    def is_spent(state: RetryCallState) -> bool:
        # Time asked for counts as time spent, so that a Retry-After beyond the budget ends it at once.
        spent = max(state.seconds_since_start or 0.0, state.idle_for)
        return spent + state.upcoming_sleep > budget or state.upcoming_sleep > _left()

    def tell(state: RetryCallState) -> None:
        nonlocal told
        if not told and state.idle_for > QUIET and state.outcome:
            told = True
            say(f"{state.outcome.exception()}; trying again, for {budget:.0f} s at most")

    retrying = Retrying(
        sleep=sleep,
        retry=retry_if_exception_type(Transient),
        wait=_pause,
        stop=is_spent,
        before_sleep=tell,
        reraise=True,
    )
    return retrying(once)


def _left() -> float:
    """Seconds that whoever waits for all of it still has."""
    try:
        left = remaining()
    except TimeoutError:
        return 0.0
    return math.inf if left is None else left


def _pause(state: RetryCallState) -> float:
    """Random exponential back-off: seconds to wait before the next try, so that many machines do not
    come back at once. An API that says how long to wait gets that, unless it is next to nothing."""
    error = state.outcome.exception() if state.outcome else None
    wish = (error.retry_after or 0.0) if isinstance(error, Busy) else 0.0
    if wish >= LEAST_WISH:
        return wish + random.random()
    longest = min(FIRST_PAUSE * 2 ** (state.attempt_number - 1), LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)
