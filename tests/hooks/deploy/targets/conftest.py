"""Two certificates for the same name, one after the other, and where a service looks for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import issued

from dns01.hooks.deploy.targets.base import CertificateFiles


@pytest.fixture
def old(tmp_path: Path) -> CertificateFiles:
    return issued(tmp_path / "client" / "old")


@pytest.fixture
def new(tmp_path: Path) -> CertificateFiles:
    return issued(tmp_path / "client" / "new")


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """Where the service looks."""
    return tmp_path / "tls"
