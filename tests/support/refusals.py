"""What a target's error owes to whoever reads it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dns01.errors import DeployError


def error_of(action: Callable[[], object], *secrets: str) -> DeployError:
    """What the action raises: one line and a hint, and nowhere in it a secret or a key."""
    with pytest.raises(DeployError) as caught:
        action()
    told = f"{caught.value} {caught.value.hint}"
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert not [secret for secret in (*secrets, "PRIVATE KEY") if secret in told]
    return caught.value
