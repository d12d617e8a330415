"""Where configurations are that tests write."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def default_file(tmp_path: Path) -> Path:
    """What is /etc/dns01/config.toml elsewhere; not there unless the test writes it."""
    path = tmp_path / "etc" / "config.toml"
    path.parent.mkdir()
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"
