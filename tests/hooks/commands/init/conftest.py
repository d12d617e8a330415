"""A machine on which nothing of ours has been set up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fresh import FreshMachine


@pytest.fixture
def machine() -> Iterator[FreshMachine]:
    with FreshMachine() as machine:
        yield machine
