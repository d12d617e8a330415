"""What is in the wheel and the sdist, and that what is installed from them runs without the checkout."""

from __future__ import annotations

import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from built import build, run
from checkout import ROOT

PROBE = "this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script"

# Where each folder of the checkout ends up in the package.
ROOMS = {"src/dns01": "dns01", "hooks": "dns01/hooks", "providers": "dns01/providers"}
# What of the checkout only those who work on it need, from a clone.
UNPUBLISHED = {".gitignore"}


def modules() -> set[str]:
    """Every file of the three folders, by its path in the package."""
    return {
        f"{package}/{file.relative_to(ROOT / folder)}"
        for folder, package in ROOMS.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()

    info = {name for name in names if name.partition("/")[0].endswith(".dist-info")}
    scripts = {name for name in names if name.partition("/")[0].endswith(".data")}
    assert {name.partition("/")[2] for name in scripts} == {"scripts/dns01"}
    assert sorted(set(names) - info - scripts) == sorted(modules())
    assert {name.partition("/")[2] for name in info} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "top_level.txt",
    }
    assert len(names) == len(set(names))


# Where man, the shells and pipx look beneath the prefix of an installation.
SHARE = {
    "share/man/man1/dns01.1",
    "share/man/man5/dns01.toml.5",
    "share/bash-completion/completions/dns01",
    "share/zsh/site-functions/_dns01",
    "share/fish/vendor_completions.d/dns01.fish",
}


@pytest.mark.parametrize("kind", ["--wheel", "--sdist"])
def test_what_is_published_brings_man_pages_and_completions_to_where_they_are_looked_for(
    release: Path, tmp_path: Path, kind: str
) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--ignore-installed", "--no-index", "--no-deps", "--no-build-isolation"]

    run(*pip, "--prefix", tmp_path / "prefix", build(kind, release), cwd=tmp_path)

    there = {str(file.relative_to(tmp_path / "prefix")) for file in (tmp_path / "prefix").rglob("*")}
    assert there >= SHARE


def test_the_sdist_holds_the_package_and_all_else_that_the_checkout_has(sdist: Path, checkout: Path) -> None:
    with tarfile.open(sdist) as archive:
        assert all(member.isfile() or member.isdir() for member in archive)
        names = [member.name.partition("/")[2] for member in archive if member.isfile()]

    made_by_the_build = {name for name in names if name in ("PKG-INFO", "setup.cfg") or ".egg-info/" in name}
    assert set(names) - made_by_the_build == published(checkout)
    assert len(names) == len(set(names))


def published(checkout: Path) -> set[str]:
    """The files of the checkout, and those of the package where the sdist has them a second time."""
    made = ("out", "build")
    files = (file.relative_to(checkout) for file in checkout.rglob("*") if file.is_file())
    own = {str(file) for file in files if file.parts[0] not in made and not {*file.parts} & {"__pycache__"}}
    own = {name for name in own if ".egg-info/" not in name and name != "setup.cfg"}
    return (own | {f"src/{module}" for module in modules()}) - UNPUBLISHED


def test_the_sdist_builds_the_same_wheel_as_the_checkout(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    run("tar", "-xf", sdist, cwd=tmp_path)
    (unpacked,) = tmp_path.iterdir()

    again = build("--wheel", unpacked)

    assert sorted(ZipFile(again).namelist()) == sorted(ZipFile(wheel).namelist())


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of a virtual environment with the package, which finds what it
    depends on in the environment of the tests."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, symlinks=True)
    commands = home / "bin"
    site = run(commands / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    Path(site.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    if request.param == "wheel":
        what = [request.getfixturevalue("wheel")]
    else:
        what = ["--no-build-isolation", "--editable", request.getfixturevalue("checkout")]
    pip = [sys.executable, "-m", "pip", "--python", commands / "python", "install", "--no-index", "--no-deps"]
    run(*pip, *what, cwd=home)
    return commands


def test_installed_the_command_tells_its_version(installed: Path, wheel: Path, tmp_path: Path) -> None:
    version = wheel.name.split("-")[1]

    assert version in run(installed / "dns01", "--version", cwd=tmp_path)


def test_installed_the_command_passes_the_probe(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "dns01", PROBE, cwd=tmp_path) == ""


def test_installed_the_module_runs_as_the_command_does(installed: Path, tmp_path: Path) -> None:
    as_module = run(installed / "python", "-m", "dns01", "--help", cwd=tmp_path)

    assert "dns01" in as_module
    assert as_module == run(installed / "dns01", "--help", cwd=tmp_path)
