"""``make demo``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from testbed import TIME_LIMIT

ROOT = Path(__file__).parent.parent.parent


class Demo:
    """A demo that is over: what it printed, and the folder it was given for temporary files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, ROOT / "demo" / "demo.py"]
        environment = os.environ | {"TMPDIR": str(folder)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT)
        assert done.returncode == 0, done.stdout + done.stderr
        self.lines = done.stdout.splitlines()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return Demo(tmp_path_factory.mktemp("demo"))


def test_a_certificate_stays_and_no_private_key(demo: Demo) -> None:
    fullchain = Path(demo.lines[-1])
    assert fullchain.read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert fullchain.is_relative_to(demo.folder)
    files = [path for path in demo.folder.rglob("*") if path.is_file()]
    assert [path for path in files if b"PRIVATE KEY" in path.read_bytes()] == []


def test_it_ends_with_what_happened_and_what_to_do_next(demo: Demo) -> None:
    happened, then, stays = map(
        demo.lines.index,
        (
            "What happened",
            "What to do next",
            "What stays is the certificate; its key and the account's are deleted:",
        ),
    )
    assert happened < then < stays == len(demo.lines) - 2


def test_what_will_be_installed_is_said_before_it_is() -> None:
    steps = subprocess.run(
        ["make", "--dry-run", "demo"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    notice = steps.index("What is missing gets installed: Debian's dehydrated pebble")
    assert notice < steps.index(".ci/install-debian")
