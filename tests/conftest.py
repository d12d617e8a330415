"""Every test process in a network of its own, every test with a state folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from calls import BOTH, Stage
from hypothesis import HealthCheck, settings
from testbed import netns

from dns01.secret import forget

END_TO_END = Path(__file__).parent / "e2e"
OURS = ("DNS01_", "RFC2136_", "STANDALONE_", "LEXICON_", "ACMESH_", "EXEC_", "CERTBOT_", "RENEWED_")

# How long an input takes says how busy the machine is.
settings.register_profile("dns01", deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pytest_configure() -> None:
    """Move this process (pytest itself, and each worker of pytest-xdist) to its own network."""
    settings.load_profile("dns01")
    # Who is started inherits what is ignored: SIGHUP under nohup, SIGINT behind a shell's `&`.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        netns.enter()
    except PermissionError:
        pytest.exit("the tests need root: they run in a network namespace of their own (sudo make test)", 4)
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.exit("the tests need mount namespaces: a chroot has to be a mount point (mount --bind D D)", 4)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the tests end to end evenly among the others: they wait for most of their time, and each worker
    is given a stretch of the list. No module is torn apart."""
    apart = [item for item in items if item.path.parent == END_TO_END]
    modules = [
        [*group] for path, group in groupby(items, lambda item: item.path) if path.parent != END_TO_END
    ]
    items.clear()
    for number, module in enumerate(modules, 1):
        items += module
        items += apart[len(apart) * (number - 1) // len(modules) : len(apart) * number // len(modules)]
    items += [] if modules else apart


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own DNS01_STATE_DIR, not yet created; nothing else of ours is in the environment."""
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    path = tmp_path / "state"
    monkeypatch.setenv("DNS01_STATE_DIR", str(path))
    return path


@pytest.fixture(autouse=True)
def no_secrets_of_others() -> None:
    """What other tests have hidden in this process: their secrets may be words of this one's messages."""
    forget()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """One name server, and the provider talks to it."""
    with Stage(tmp_path) as stage:
        yield stage


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Stage]:
    """Two name servers, of which the second may be held back."""
    with Stage(tmp_path, BOTH) as stage:
        yield stage
