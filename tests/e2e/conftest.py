"""A stage and a host for each case. What was said there is shown if it fails: pytest has it all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from testbed import TIME_LIMIT

from .clients import HOOKS, Host
from .stage import STAGES, Stage


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """The world; its name servers are the parameter."""
    with STAGES[getattr(request, "param", "bind")](tmp_path) as stage:
        yield stage


@pytest.fixture
def host(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> Iterator[Host]:
    """Where the client runs; the form of its hook is the parameter."""
    folder = tmp_path / "host"
    folder.mkdir()
    host = Host(folder, stage, HOOKS[getattr(request, "param", "command")])
    yield host
    print(f"--- the audit trail:\n{host.audit_trail()}")


@pytest.fixture
def bystanders(stage: Stage) -> Iterator[set[str]]:
    """The processes that were in this network before the client came; later ones end with the test."""
    before = processes()
    yield before
    # A case that fails must not spoil the next; what was forked between two looks is seen by the second.
    deadline = time.monotonic() + TIME_LIMIT
    while (left := processes() - before) and time.monotonic() < deadline:
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(int(process.split()[0]), signal.SIGKILL)
        time.sleep(0.02)


def newcomers(bystanders: set[str]) -> set[str]:
    """The processes that have come into this network since then and do not end."""
    deadline = time.monotonic() + TIME_LIMIT
    while (found := processes() - bystanders) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def processes() -> set[str]:
    """Everything in our network namespace, which nobody else is in: "PID command line"."""
    near = os.readlink("/proc/self/ns/net")
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):  # it has ended by now, zombies included
            if os.readlink(f"/proc/{pid}/ns/net") == near:
                command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
                found.add(f"{pid} {command.replace(chr(0), ' ')}")
    return found
