"""What the chain of the audit trail gives away, and what it takes as given."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns01.hooks.state.audit import chain, files
from dns01.hooks.state.audit.trail import Trail
from dns01.hooks.state.audit.verify import Verification, verify

NOON = 1_762_948_800.25  # 2025-11-12T12:00:00.250Z
OLDER = b'{"time": "2025-11-11T12:00:00.000Z", "client": "dehydrated", "phase": "deploy_challenge"}\n'


@pytest.fixture
def path(state_dir: Path) -> Path:
    return state_dir / "audit.jsonl"


def write(path: Path, *phases: str) -> None:
    trail = Trail(str(path), {"DNS01_CONFIG": ""}, lambda: NOON)
    for phase in phases:
        trail.write({"phase": phase})


def check(path: Path, *expected: tuple[int, str]) -> Verification:
    return verify(str(path), expected)


def edit(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_what_was_written_is_whole(path: Path) -> None:
    write(path, *"abcde")

    found = check(path)

    assert (found.tampered, found.torn, found.older, sorted(found.links)) == ([], [], 0, [1, 2, 3, 4, 5])


def test_no_trail_is_whole(path: Path) -> None:
    assert check(path) == Verification()


def sealed(phase: str, seq: int, prev: str = "") -> bytes:
    return chain.seal({"phase": phase}, seq, prev) + b"\n"


TAMPERED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "changed": (
        lambda lines: [*lines[:2], lines[2].replace(b'"c"', b'"x"'), *lines[3:]],
        ":3 (line 3 of the chain) was changed",
    ),
    "the last one changed": (
        lambda lines: [*lines[:4], lines[4].replace(b'"e"', b'"x"')],
        ":5 (line 5 of the chain) was changed",
    ),
    "removed": (lambda lines: [*lines[:2], *lines[3:]], ":3: line 3 is missing before line 4"),
    "three removed": (lambda lines: [lines[0], lines[4]], ":2: lines 2 to 4 are missing before line 5"),
    "swapped": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], ":3: line 2 is not in its place"),
    "repeated": (lambda lines: [*lines, lines[1]], ":6: line 2 is there twice"),
    "added": (lambda lines: [*lines[:2], OLDER, *lines[2:]], ":3 is no line of the chain: it was added"),
    "words added": (lambda lines: [*lines[:2], b"# a comment\n", *lines[2:]], ":3 is no line of the chain"),
    "a list added": (lambda lines: [*lines[:2], b"[]\n", *lines[2:]], ":3 is no line of the chain"),
    "cut": (lambda lines: [*lines[:2], lines[2][:60] + b"\n", *lines[3:]], ":4: line 3 is missing before"),
    "written anew": (lambda lines: [*lines[:2], sealed("x", 3), *lines[3:]], "line 4 does not follow line 3"),
    "a first one": (lambda lines: [sealed("x", 1, "f" * 64)], "line 1 says that there was one before it"),
}


@pytest.mark.parametrize(("change", "found"), TAMPERED.values(), ids=TAMPERED)
def test_what_was_done_to_it_is_said_with_the_place(
    path: Path, change: Callable[[list[bytes]], list[bytes]], found: str
) -> None:
    write(path, *"abcde")

    edit(path, change)

    assert any(found in each for each in check(path).tampered)


@given(st.data())
def test_no_octet_can_be_changed_without_its_being_found(data: st.DataObject) -> None:
    lines: list[bytes] = []
    for number in range(3):
        before = chain.link(lines[-1]) if lines else None
        lines.append(chain.seal({"phase": f"phase {number}"}, number + 1, before.hash if before else ""))
    number = data.draw(st.integers(0, 2))
    line = bytearray(lines[number])
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] = data.draw(st.integers(0, 255).filter(lambda octet: octet != line[at]))

    link = chain.link(bytes(line))

    assert link is None or not link.intact


def test_a_line_that_a_crash_has_cut_is_no_tampering(path: Path) -> None:
    write(path, "a", "b")
    whole = path.read_bytes()
    write(path, "c")
    path.write_bytes(path.read_bytes()[: len(whole) + 70])

    assert (check(path).tampered, check(path).torn) == ([], [f"{path}:3"])
    write(path, "c", "d")

    found = check(path)
    assert (found.tampered, found.torn, max(found.links)) == ([], [f"{path}:3"], 4)


def test_nothing_but_nulls_is_what_file_systems_leave_of_a_line(path: Path) -> None:
    write(path, "a")
    with path.open("ab") as file:
        file.write(bytes(500))
    write(path, "b")

    found = check(path)
    assert (found.tampered, found.torn, list(found.zeros.values())) == ([], [], [500])


def test_lines_from_before_there_was_a_chain_are_accepted_and_counted(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(OLDER * 3)

    write(path, "a", "b")

    found = check(path)
    assert (found.tampered, found.older, sorted(found.links)) == ([], 3, [1, 2])


def test_a_hash_that_was_noted_elsewhere_proves_that_the_trail_was_not_written_anew(path: Path) -> None:
    write(path, "a", "b", "c")
    noted = check(path).links[2].hash
    path.unlink()
    write(path, "a", "x", "c")

    assert check(path).tampered == []  # in itself, it is whole
    (found,) = check(path, (2, noted)).tampered
    assert f"line 2, noted with the hash {noted}, has the hash" in found
    assert "is missing" in check(path, (9, noted)).tampered[0]


def test_what_was_cut_off_at_the_end_is_found_by_the_hash_that_was_noted(path: Path) -> None:
    write(path, "a", "b", "c")
    last = check(path).last
    edit(path, lambda lines: lines[:2])

    assert last
    assert check(path).tampered == []
    assert check(path, (last.seq, last.hash[:12])).tampered


# Rotation


@pytest.fixture
def small(tmp_path: Path) -> dict[str, str]:
    """A configuration with the smallest files."""
    config = tmp_path / "config.toml"
    config.write_text("[audit]\nsize = 0.01\nkeep = 2\n")
    return {"DNS01_CONFIG": str(config)}


def fill(path: Path, environ: dict[str, str], count: int) -> None:
    """Lines of about a fourth of a file."""
    ticks = iter(range(10_000))
    trail = Trail(str(path), environ, lambda: NOON + next(ticks))
    for number in range(count):
        trail.write({"phase": f"{number}", "error": "x" * 2500})


def test_a_file_that_is_full_is_put_aside_and_the_chain_goes_on(path: Path, small: dict[str, str]) -> None:
    fill(path, small, 10)

    found = check(path)
    assert (found.tampered, sorted(found.links)) == ([], list(range(1, 11)))
    assert found.files == [*files.rotated(str(path)), str(path)]
    assert len(found.files) == 3


def test_no_more_files_are_kept_than_was_said_and_the_rest_still_verifies(
    path: Path, small: dict[str, str]
) -> None:
    fill(path, small, 30)

    found = check(path)
    assert len(files.rotated(str(path))) == 2
    assert (found.tampered, max(found.links)) == ([], 30)
    assert found.first
    assert found.first.seq > 1


def test_a_rotated_file_that_is_gone_from_the_middle_is_missed(path: Path, small: dict[str, str]) -> None:
    fill(path, small, 12)
    os.unlink(files.rotated(str(path))[1])

    assert any("are missing" in each for each in check(path).tampered)


@pytest.mark.parametrize(
    "names", [("audit.jsonl.2.gz", "audit.jsonl.1"), ("audit.jsonl-20251112.gz", "audit.jsonl-20251113")]
)
def test_files_that_logrotate_has_moved_away_and_compressed_are_read_in_their_order(
    path: Path, names: tuple[str, str]
) -> None:
    write(path, "a", "b")
    (path.parent / names[0]).write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    write(path, "c")
    path.rename(path.parent / names[1])
    write(path, "d")

    found = check(path)
    assert (found.tampered, sorted(found.links)) == ([], [1, 2, 3, 4])
    phases = [json.loads(line.text)["phase"] for line in files.lines(str(path))]
    assert phases == ["a", "b", "c", "d"]


def test_a_copy_that_logrotate_is_just_compressing_counts_once(path: Path) -> None:
    write(path, "a")
    path.rename(path.parent / "audit.jsonl.1")
    (path.parent / "audit.jsonl.1.gz").write_bytes(gzip.compress(b"half of it")[:-9])

    assert (check(path).tampered, sorted(check(path).links)) == ([], [1])


def test_an_emptied_file_as_copytruncate_leaves_it_goes_on_with_the_chain_of_the_copy(path: Path) -> None:
    write(path, "a", "b")
    (path.parent / "audit.jsonl.1").write_bytes(path.read_bytes())
    path.write_bytes(b"")
    write(path, "c")

    assert (check(path).tampered, sorted(check(path).links)) == ([], [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("audit.jsonl.1.gz", b"no gzip"),
        ("audit.jsonl.1.gz", gzip.compress(b"{}" * 10_000)[:40]),
        ("audit.jsonl.1.gz", gzip.compress(b"x" * 10_000)[:-20] + bytes(20)),
        ("audit.jsonl.1.zst", b"whatever"),
    ],
    ids=["no gzip", "cut", "a wrong sum", "another compression"],
)
def test_a_rotated_file_that_cannot_be_read_is_said(path: Path, name: str, content: bytes) -> None:
    write(path, "a")
    (path.parent / name).write_bytes(content)

    assert any(f"{path.parent / name} cannot be read" in each for each in check(path).tampered)
    write(path, "b")
    assert sorted(check(path).links) == [1, 2]


@pytest.mark.parametrize("kind", ["fifo", "folder", "link to itself", "link elsewhere"])
def test_what_is_no_file_in_the_place_of_a_rotated_one_is_said_and_never_waited_for(
    path: Path, kind: str
) -> None:
    write(path, "a")
    other = path.parent / "audit.jsonl.1"
    match kind:
        case "fifo":
            os.mkfifo(other)
        case "folder":
            other.mkdir()
        case "link to itself":
            other.symlink_to(other)
        case "link elsewhere":
            other.symlink_to("/etc/passwd")

    assert any(str(other) in each for each in check(path).tampered)
    write(path, "b")
    assert sorted(check(path).links) == [1, 2]


def test_eight_writers_that_rotate_make_one_chain(path: Path, small: dict[str, str]) -> None:
    Path(small["DNS01_CONFIG"]).write_text("[audit]\nsize = 0.01\nkeep = 0\n")
    children = []
    for number in range(8):
        if child := os.fork():
            children.append(child)
            continue
        try:
            trail = Trail(str(path), small)
            for _ in range(10):
                trail.write({"phase": str(number), "error": "x" * 1000})
        finally:
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)

    found = check(path)
    assert (found.tampered, found.torn, sorted(found.links)) == ([], [], list(range(1, 81)))
    assert len(found.files) > 5
