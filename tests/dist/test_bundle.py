"""What is put together from wheels for several Pythons and machines, and the lock file that pip gets."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import ZipFile

import bundle
import pytest

NAMES = (
    "Pure_Thing-1.0-py3-none-any.whl",
    "fast-2.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    "fast-2.0-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    "fast-2.0-cp311-abi3-manylinux_2_28_aarch64.whl",
)


def wheel(folder: Path, name: str, *members: str) -> bundle.Wheel:
    path = folder / name
    with ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, name)
    return bundle.read_wheel(path)


def test_a_wheel_s_name_says_package_version_and_machine(tmp_path: Path) -> None:
    read = [bundle.read_wheel(tmp_path / name) for name in NAMES]

    assert [(each.name, each.version, each.machine) for each in read] == [
        ("pure-thing", "1.0", "any"),
        ("fast", "2.0", "x86_64"),
        ("fast", "2.0", "x86_64"),
        ("fast", "2.0", "aarch64"),
    ]


def test_extensions_for_several_pythons_lie_side_by_side_and_those_of_a_machine_apart(tmp_path: Path) -> None:
    (source := tmp_path / "wheels").mkdir()
    wheels = [
        wheel(source, NAMES[0], "pure.py"),
        wheel(source, NAMES[1], "fast/__init__.py", "fast/_c.cpython-311-x86_64-linux-gnu.so"),
        wheel(source, NAMES[2], "fast/__init__.py", "fast/_c.cpython-313-x86_64-linux-gnu.so"),
        wheel(source, NAMES[3], "fast/__init__.py", "fast/_c.abi3.so"),
    ]

    bundle.unpack(wheels, tmp_path / "tree")

    files = (file.relative_to(tmp_path / "tree") for file in (tmp_path / "tree").rglob("*.*") if file.is_file())
    assert sorted(map(str, files)) == [
        "aarch64/fast/__init__.py",
        "aarch64/fast/_c.abi3.so",
        "any/pure.py",
        "x86_64/fast/__init__.py",
        "x86_64/fast/_c.cpython-311-x86_64-linux-gnu.so",
        "x86_64/fast/_c.cpython-313-x86_64-linux-gnu.so",
    ]


def test_man_pages_and_scripts_of_a_wheel_are_left_out(tmp_path: Path) -> None:
    elsewhere = ("pure-1.0.data/data/share/man/man1/pure.1", "pure-1.0.data/scripts/pure.sh")
    ours = wheel(tmp_path, NAMES[0], "pure.py", *elsewhere)

    bundle.unpack([ours], tmp_path / "tree")

    assert [file.name for file in (tmp_path / "tree").rglob("*.*")] == ["pure.py"]


def test_a_wheel_that_would_put_files_elsewhere_is_refused_by_name(tmp_path: Path) -> None:
    odd = wheel(tmp_path, NAMES[0], "pure-1.0.data/headers/tool.h")

    with pytest.raises(ValueError, match=r"Pure_Thing.*has pure-1\.0\.data/headers/tool\.h"):
        bundle.unpack([odd], tmp_path / "tree")


def test_the_lock_file_has_every_hash_of_a_version(tmp_path: Path) -> None:
    wheels = [wheel(tmp_path, name) for name in NAMES[1:3]]
    digests = sorted(hashlib.sha256(each.path.read_bytes()).hexdigest() for each in wheels)

    (line,) = bundle.requirements(wheels)

    assert line == f"fast==2.0 \\\n    --hash=sha256:{digests[0]}" + (
        f" \\\n    --hash=sha256:{digests[1]}" if digests[0] != digests[1] else ""
    )
