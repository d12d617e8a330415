"""A person's shell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import Client


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Client]:
    """A person's, without any configuration."""
    environ = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(tmp_path / "state")}
    with Client(tmp_path / "shell", "bash", environ) as client:
        yield client
