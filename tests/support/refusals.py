"""What may go wrong between a target and an API, and what an error owes to whoever reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from fakes import FOREVER, Bomb, Cut, Drip, Fault, Hang, Reset, Shape, Status, Text

from dns01.errors import DeployError

# Each is to be given as a copy: a fault counts how often it has befallen.
PASSING: Sequence[Fault] = (
    Status(429, {"Retry-After": "1"}, "too many requests"),
    Status(500, message="it fails"),
    Status(503, message="it is not ready"),
    Hang(),
    Reset(done=True, writing=True),
    Status(500, done=True, writing=True),
)
LASTING: Sequence[Fault] = (
    Status(403, message="permission denied", times=FOREVER),
    Status(503, message="it is not ready", times=FOREVER),
    Status(307, times=FOREVER),
    Cut(times=FOREVER),
    Text(times=FOREVER),
    Shape(times=FOREVER),
    Drip(times=FOREVER),
    Drip(headers=True, times=FOREVER),
    Bomb(times=FOREVER),
    Bomb(compressed=False, times=FOREVER),
)


def error_of(action: Callable[[], object], *secrets: str) -> DeployError:
    """What the action raises: one line and a hint, and nowhere in it a secret or a key."""
    with pytest.raises(DeployError) as caught:
        action()
    told = f"{caught.value} {caught.value.hint}"
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert not [secret for secret in (*secrets, "PRIVATE KEY") if secret in told]
    return caught.value
