"""What ``dns01.pyz`` and the Debian package carry: dns01's wheel and the packages that it needs.

One tree serves every Python from 3.11 on: nearly all packages are pure Python, cryptography has the stable
ABI, and the extension of cffi says in its file's name which Python it is for.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

EXTRAS = "issue"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
LIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
PURE = ("any",)
LEFT_OUT = (".data/data/share/", ".data/scripts/")


class Wheel(NamedTuple):
    """A wheel by the parts of its file name (binary distribution format)."""

    path: Path
    name: str
    version: str
    platform: str  # "any", or one or several joined by dots

    @property
    def machine(self) -> str:
        """The machine that it is for; "any" where it is pure Python."""
        return next((machine for machine in MACHINES if self.platform.endswith(machine)), "any")


def read_wheel(path: Path) -> Wheel:
    """Raises ValueError where that is no wheel's file name."""
    name, version, *_, platform = path.stem.split("-")
    return Wheel(path, re.sub(r"[-_.]+", "-", name).lower(), version, platform)


def download(wheel: Path, folder: Path) -> list[Wheel]:
    """All wheels for the wheel of dns01, itself included, from the index that pip is configured with.

    Raises CalledProcessError where pip finds no answer.
    """
    first = folder / "first"
    pip(first, [f"{wheel}[{EXTRAS}]"], PYTHONS[0], platforms(MACHINES[0]))
    found = []
    for each in sorted(map(read_wheel, first.iterdir())):
        found += [each] if each.machine == "any" else variants(each, folder / each.name)
    return found


def variants(wheel: Wheel, folder: Path) -> list[Wheel]:
    """The pure wheel of the same version, or else one for each Python and machine."""
    requirement = [f"{wheel.name}=={wheel.version}"]
    try:
        pip(folder / "any", requirement, PYTHONS[0], PURE, "--no-deps", "--quiet", "--quiet", "--quiet")
    except subprocess.CalledProcessError:
        for python in PYTHONS:
            for machine in MACHINES:
                pip(folder / machine, requirement, python, platforms(machine), "--no-deps")
    return sorted(map(read_wheel, folder.glob("*/*.whl")))


def platforms(machine: str) -> list[str]:
    return [f"{libc}_{machine}" for libc in LIBC]


def pip(folder: Path, requirements: Sequence[str], python: str, platforms: Iterable[str], *more: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *more]
    command += [f"--platform={platform}" for platform in platforms]
    subprocess.run([*command, f"--dest={folder}", *requirements], check=True)


def unpack(wheels: Iterable[Wheel], folder: Path) -> None:
    """Put what the wheels have into ``folder/any`` and ``folder/MACHINE``.

    What belongs into ``share`` (man pages) or ``bin`` of an installation is left out: both carriers have
    their own. Raises ValueError for a wheel with other files that belong elsewhere (``*.data``).
    """
    for wheel in wheels:
        with ZipFile(wheel.path) as archive:
            names = [name for name in archive.namelist() if not any(part in name for part in LEFT_OUT)]
            if elsewhere := [name for name in names if ".data/" in name]:
                raise ValueError(f"{wheel.path.name} has {elsewhere[0]}: say in packaging/bundle.py where to")
            archive.extractall(folder / wheel.machine, names)


def requirements(wheels: Iterable[Wheel]) -> Iterator[str]:
    """The lines of a requirements file: each package's version, and the hashes that pip is to insist on."""
    hashes: dict[str, set[str]] = {}
    for wheel in wheels:
        digest = hashlib.sha256(wheel.path.read_bytes()).hexdigest()
        hashes.setdefault(f"{wheel.name}=={wheel.version}", set()).add(f"--hash=sha256:{digest}")
    for requirement, allowed in sorted(hashes.items()):
        yield " \\\n    ".join([requirement, *sorted(allowed)])
