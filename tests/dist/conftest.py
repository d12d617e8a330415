"""The checkout, built once for all tests of what is published."""

from __future__ import annotations

import shutil
from pathlib import Path

import bundle
import dist
import pytest
from built import build, copy_installed, needed
from checkout import ROOT

LEFT_OUT = (".git", ".venv*", ".*_cache", ".lego", ".hypothesis", "__pycache__", "build", "dist", "reference", "*.egg-info")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout: a build in the checkout itself would find what an earlier one left."""
    copy = tmp_path_factory.mktemp("packaging") / "a checkout"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=left_out)
    return copy


def left_out(folder: str, names: list[str]) -> set[str]:
    """What is no part of the checkout; tests/dist is."""
    return set(shutil.ignore_patterns(*LEFT_OUT)(folder, names)) - ({"dist"} if folder.endswith("tests") else set())


@pytest.fixture(scope="session")
def sdist(checkout: Path) -> Path:
    return build("--sdist", checkout)


@pytest.fixture(scope="session")
def wheel(checkout: Path) -> Path:
    return build("--wheel", checkout)


@pytest.fixture(scope="session")
def release(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as ``make dist`` builds it: with man pages and completions in ``share``."""
    copy = tmp_path_factory.mktemp("release") / "source"
    shutil.copytree(checkout, copy, symlinks=True, ignore=shutil.ignore_patterns("out", "build", "*.egg-info"))
    dist.share(copy)
    return copy


@pytest.fixture(scope="session")
def tree(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and what it needs, unpacked as ``make dist`` does; the packages are those installed here."""
    folder = tmp_path_factory.mktemp("bundle")
    bundle.unpack([bundle.read_wheel(wheel)], folder)
    for package in needed("dns01-hook", bundle.EXTRAS):
        copy_installed(package, folder / "any")
    return folder
