"""``dns01.pyz``: it unpacks itself once, whole, into a folder of the user's alone, and runs from there."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import pyz
from testbed import TIME_LIMIT

EPOCH = 1_800_000_000
NOBODY = 65534
MONTHS = 90 * 86400.0


@pytest.fixture(scope="session")
def file(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("pyz") / "dns01.pyz"
    pyz.build(tree, built, EPOCH)
    return built


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def call(file: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "DNS01_STATE_DIR": "/nonexistent"}
    return subprocess.run(
        [file, *words], env=environ | environment, capture_output=True, text=True, timeout=TIME_LIMIT
    )


def test_the_file_is_run_by_its_name_as_a_client_does(file: Path, cache: Path) -> None:
    first = call(file, "--version", CACHE_DIRECTORY=str(cache))
    phase = call(file, "unchanged_cert", "example.org", "k", "c", "f", "h", CACHE_DIRECTORY=str(cache))

    assert (first.returncode, first.stderr) == (0, "")
    assert "version" in first.stdout
    assert (phase.returncode, phase.stdout, phase.stderr) == (0, "", "")


def test_all_of_it_is_there_compiled_modules_and_the_cas_certificates_too(file: Path, cache: Path) -> None:
    call(file, "--version", CACHE_DIRECTORY=str(cache))
    (folder,) = cache.iterdir()
    program = "import acme.client, certifi, cryptography.x509 as x, os; print(x.__file__, os.stat(certifi.where()).st_size)"

    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {program}"],
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )

    assert said.stderr == ""
    assert said.stdout.startswith(str(folder))


def test_what_is_too_old_for_it_can_read_that_it_is() -> None:
    ast.parse(pyz.MAIN.read_text(), feature_version=(3, 5))


def test_two_builds_are_the_same_bytes(tree: Path, file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    shutil.copytree(tree, copy)

    pyz.build(copy, tmp_path / "again.pyz", EPOCH)

    assert (tmp_path / "again.pyz").read_bytes() == file.read_bytes()


def test_processes_that_unpack_at_the_same_time_all_run_and_leave_one_folder(file: Path, cache: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "CACHE_DIRECTORY": str(cache)}
    running = [
        subprocess.Popen([sys.executable, file, "--version"], env=environ, stdout=subprocess.PIPE)
        for _ in range(4)
    ]

    said = [process.communicate(timeout=TIME_LIMIT)[0] for process in running]

    assert len(set(said)) == 1
    assert said[0]
    assert len(list(cache.iterdir())) == 1


@pytest.fixture
def home(file: Path) -> Iterator[Path]:
    """The home of a user without privileges, who has the file there."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        shutil.copy(file, folder)
        yield Path(folder)


def as_nobody(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/python3", home / "dns01.pyz", "--version"],
        env={"PATH": "/usr/bin:/bin", **environment},
        cwd="/",
        user=NOBODY,
        group=NOBODY,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )


def test_the_cache_of_a_user_is_beneath_their_home_and_theirs_alone(home: Path) -> None:
    done = as_nobody(home, HOME=str(home))

    (folder,) = (home / ".cache" / "dns01").iterdir()
    assert (done.returncode, done.stderr) == (0, "")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_user_whose_home_is_not_there_is_told_what_to_set(home: Path) -> None:
    lost = as_nobody(home, HOME="/nonexistent")
    found = as_nobody(home, HOME="/nonexistent", CACHE_DIRECTORY=str(home / "cache"))

    assert lost.returncode == 1
    assert "export CACHE_DIRECTORY=" in lost.stderr
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_code_that_others_could_have_written_is_not_run(file: Path, cache: Path, mode: int) -> None:
    call(file, "--version", CACHE_DIRECTORY=str(cache))
    (folder,) = cache.iterdir()
    folder.chmod(mode)

    done = call(file, "--version", CACHE_DIRECTORY=str(cache))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"{folder} is not a folder that this user alone may write" in done.stderr


@pytest.mark.parametrize("plant", ["a link", "a file", "another user's"])
def test_what_somebody_put_in_the_folder_s_place_is_refused(file: Path, cache: Path, plant: str) -> None:
    call(file, "--version", CACHE_DIRECTORY=str(cache))
    (folder,) = cache.iterdir()
    moved = cache.parent / "moved"
    folder.rename(moved)
    if plant == "a link":
        folder.symlink_to(moved)
    elif plant == "a file":
        folder.touch(0o700)
    else:
        shutil.copytree(moved, folder)
        os.chown(folder, NOBODY, NOBODY)

    done = call(file, "--version", CACHE_DIRECTORY=str(cache))

    assert (done.returncode, done.stdout) == (1, "")
    assert str(folder) in done.stderr


def test_what_was_killed_half_way_and_what_nobody_uses_any_more_go(file: Path, cache: Path) -> None:
    ages = {"0" * 64: MONTHS, "1" * 64: 0.0, "partial-killed": MONTHS, "partial-now": 0.0, "other": MONTHS}
    for name, age in ages.items():
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, 2 * (time.time() - age,))
    cache.chmod(0o700)

    call(file, "--version", CACHE_DIRECTORY=str(cache))

    assert {entry.name for entry in cache.iterdir()} & ages.keys() == {"1" * 64, "partial-now", "other"}


def test_a_cache_that_cannot_be_written_is_said_with_the_way_out(file: Path) -> None:
    done = call(file, "--version", CACHE_DIRECTORY="/proc/dns01")

    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("dns01: /proc/dns01: ")
    assert "export CACHE_DIRECTORY=, a folder that this user may write" in done.stderr


def test_a_snap_s_modules_do_not_come_first(file: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('a click of somebody else')")

    done = call(file, "--version", CACHE_DIRECTORY=str(cache), PYTHONPATH=str(tmp_path))

    assert (done.returncode, done.stderr) == (0, "")
