"""What the doctor is tried in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from setups import Site, site_at


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A world of its own, and a folder that stands for the / of this machine."""
    with site_at(tmp_path) as site:
        yield site
