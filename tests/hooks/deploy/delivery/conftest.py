"""Targets, commands and verifications that write down what is done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from recording import NOW, WEB, Call, Recording, issue

from dns01.hooks.clients.call import Certificate
from dns01.hooks.clients.process import ClientProcess
from dns01.hooks.deploy.delivery.deliverer import Deliverer
from dns01.hooks.deploy.delivery.ledger import Ledger
from dns01.hooks.deploy.delivery.reload import Services
from dns01.hooks.deploy.section import Deployment


@pytest.fixture(autouse=True)
def log() -> list[str]:
    """What was done, by targets, commands and verifications; ``Recording.faults`` makes it fail."""
    Recording.log, Recording.faults, Recording.brought, Recording.meanwhile = [], {}, {}, {}
    return Recording.log


@pytest.fixture
def services(log: list[str]) -> Services:
    """Those whose commands and looks are written down."""

    def run(argv: Sequence[str], environ: Mapping[str, str], timeout: float, what: str) -> None:
        said = " ".join(argv)
        assert environ["PATH"] == os.environ["PATH"]
        assert timeout == 60
        Recording.log.append(f"{said} for {environ['DNS01_DOMAIN']}")
        if said in Recording.faults:
            raise Recording.faults[said]

    def verify(where: str, fingerprint: str, within: float) -> None:
        assert any(fingerprint in place for place in Recording.brought.values())
        assert within == 60
        Recording.log.append(f"verify {where}")
        if where in Recording.faults:
            raise Recording.faults[where]

    return Services(run, verify)


@pytest.fixture
def ledger(state_dir: Path) -> Ledger:
    return Ledger(str(state_dir))


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return issue(tmp_path, "example.org")


@pytest.fixture
def call(ledger: Ledger, services: Services) -> Call:
    """A call of the hook: its deliverer."""

    def called(*targets: Deployment, client: ClientProcess | None = None, after: float = 0) -> Deliverer:
        return Deliverer(targets or (WEB,), ledger, client, lambda: NOW + after, services)

    return called
