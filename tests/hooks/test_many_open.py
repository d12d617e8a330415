"""Five hundred of other clients' entries and deliveries: a call that has nothing to do with them costs little
more than without them. What it costs is counted in files, which a busy machine does not change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import HOOK

from dns01.hooks.clients.call import Certificate
from dns01.hooks.clients.process import this_process
from dns01.hooks.clients.procfs import status_of
from dns01.hooks.deploy.delivery.ledger import Delivery, Ledger
from dns01.hooks.state.journal import Entry, Journal

MANY = 500
FOLDERS = {"unchanged_cert": 1}  # that the call looks through; the others look through two
OPENED = re.compile(r'openat\([^"]*"([^"]*)"')


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a client that lives, and has called none of the hooks here."""
    state = tmp_path_factory.mktemp("many") / "state"
    with subprocess.Popen(["sleep", "600"]) as other:
        fill(state, other.pid)
        yield state
        other.kill()


def fill(state: Path, pid: int) -> None:
    status = status_of(pid)
    assert status
    client = this_process()._replace(pid=pid, start=status[3])
    names = [f"n{number}.example.org" for number in range(MANY)]
    Journal(str(state)).open(
        Entry(name, "token", f"_acme-challenge.{name}", f"_acme-challenge.{name}", "a" * 43, 60, "memory",
              "memory", "example.org", "", client)
        for name in names
    )  # fmt: skip
    paths = {name: Certificate(name, cert=f"/certs/{name}/cert.pem") for name in names}
    deliveries = [Delivery(paths[name], name, "web", client=client) for name in names]
    Ledger(str(state)).keep(deliveries)


def opened(state: Path, trace: Path, *words: str) -> list[str]:
    """What the call has opened in the state folder, file by file."""
    environ = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(state), "DNS01_PROVIDER": "memory"}
    environ |= {"DNS01_MEMORY_ZONES": "example.org", "DNS01_CONFIG": ""}
    command = ["strace", "-f", "-qq", "-y", "-e", "trace=openat", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, HOOK, *words], capture_output=True, text=True, env=environ
    )
    assert done.returncode == 0, done.stderr
    return [path for path in OPENED.findall(trace.read_text()) if path.endswith(".json")]


@pytest.mark.parametrize(
    "words",
    [
        ("startup_hook",),
        ("exit_hook",),
        ("unchanged_cert", "www.example.org", "key", "cert", "fullchain", "chain"),
        ("clean_challenge", "www.example.org", "token", "a" * 43),
        ("invalid_challenge", "www.example.org", "it is refused"),
    ],
)
def test_each_file_of_others_is_read_once_at_most(
    state: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    found = opened(state, tmp_path / "trace", *words)

    assert len(found) <= MANY * FOLDERS.get(words[0], 2)
