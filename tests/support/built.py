"""Builds of a checkout, and the packages of the tests' environment in the place of downloaded wheels."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; where it fails, all that it said is shown."""
    environment = os.environ | {"PYTHONPATH": ""}  # which may lead to the checkout
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path) -> Path:
    """Build ``source`` with the build back-end that is installed here."""
    run(sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", "out", ".", cwd=source)
    (built,) = (source / "out").glob("*.whl" if kind == "--wheel" else "*.tar.gz")
    return built


def needed(package: str, extra: str = "") -> set[str]:
    """The names of all packages that one needs here, those of its extra and of what it needs included."""
    found: set[str] = set()
    for requirement in distribution(package).requires or ():
        name = re.match(r"[\w.-]+", requirement)[0]
        condition = re.search(r"extra *== *['\"]([\w-]+)", requirement)
        if condition and condition[1] != extra:
            continue
        try:
            found |= {name, *needed(name)}
        except PackageNotFoundError:  # for another Python or system
            continue
    return found


def copy_installed(package: str, folder: Path) -> None:
    """What the installed package has in site-packages, where a wheel of it would be unpacked."""
    there = distribution(package)
    for file in there.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(there.locate_file(file), target)
