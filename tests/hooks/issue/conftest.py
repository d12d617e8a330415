"""Certificates are issued by an office of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from issuing import Office, new_ca
from testbed import Pebble


@pytest.fixture(scope="session")
def ca() -> Iterator[Pebble]:
    """One for all offices, each of which has an account of its own: it makes RSA keys as it starts."""
    with new_ca() as ca:
        yield ca


@pytest.fixture
def office(tmp_path: Path, ca: Pebble) -> Iterator[Office]:
    with Office(tmp_path, ca=ca) as office:
        yield office
