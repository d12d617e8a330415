"""``dns01 audit``: one run as bars, and whether the trail is as it was written."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from calls import HOOK, Client

from dns01.hooks.commands.audit.bars import bars
from dns01.hooks.state.audit.trail import Trail

NOON = 1_762_948_800.25  # 2025-11-12T12:00:00.250Z


@pytest.fixture
def trail(state_dir: Path) -> Trail:
    return Trail(str(state_dir / "audit.jsonl"), {"DNS01_CONFIG": ""}, lambda: NOON)


def wave(trail: Trail, number: int) -> None:
    steps = {"publish": 1.25, "wait": 20.0, "retract": 0.01, "nothing": 0.0}
    trail.write({"client": "dns01", "phase": f"issue {number}", "outcome": "ok", "steps": steps, "names": []})


def test_show_draws_where_the_time_of_a_run_went(shell: Client, trail: Trail) -> None:
    for number in (1, 2):
        wave(trail, number)

    said = shell("audit", "show", "1", PYTHONIOENCODING="utf-8")

    head, publish, wait, retract, nothing = said.stdout.splitlines()
    assert (said.code, said.stderr) == (0, "")
    assert " dns01 issue 1 " in head
    assert head.endswith(" run 1")
    assert publish == "  publish   1.2 s ████"
    assert wait == f"  wait     20.0 s {'█' * 62}"
    assert retract == "  retract   0.0 s █"
    assert nothing == "  nothing   0.0 s"
    assert len(wait) <= 80


@pytest.mark.parametrize("words", [(), ("2",), ("2025-11-12T12:00",)])
def test_show_takes_a_number_a_time_or_the_last(shell: Client, trail: Trail, words: tuple[str, ...]) -> None:
    for number in (1, 2):
        wave(trail, number)

    assert " dns01 issue 2 " in shell("audit", "show", *words).stdout


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        ("3", "the audit trail {state}/audit.jsonl has no run 3"),
        ("2024", "the audit trail {state}/audit.jsonl has no run 2024"),
        ("last", "audit show: 'last' is no run"),
        ("-1", "audit show: no such option '-1'"),
    ],
)
def test_show_of_what_is_not_there(
    shell: Client, trail: Trail, state_dir: Path, run: str, problem: str
) -> None:
    wave(trail, 1)

    said = shell("audit", "show", run)

    assert (said.code, said.stdout) == (2, "")
    assert said.stderr.startswith(f"dns01: {problem.format(state=state_dir)}\n   -> ")


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        ("2025-11-12", True),
        ("2025", True),
        ("2025-11-12T12:00:00Z", True),
        ("2025-11-12 12:00", True),
        ("2025-11-12T13:00:00+01:00", True),
        ("2025-11-12T12:00:00.250Z", True),
        ("2025-11-12T12:00:00.251Z", False),
        ("2025-11-12T14:00:00+01:00", False),
        ("2025-11-13", False),
    ],
)
def test_since_takes_a_time_as_people_write_it(shell: Client, trail: Trail, since: str, shown: bool) -> None:
    wave(trail, 1)

    said = shell("audit", "--since", since)

    assert said.code == 0
    assert (" dns01 issue 1 " in said.stdout) == shown


@pytest.mark.parametrize(
    "since",
    [
        "2025-13-45",
        "2025-02-30",
        "2025-11-12T25:00",
        "²",
        "٢٠٢٥",
        "yesterday",
        "-1",
        "2025-11-12T12:00:00+99:00",
        "1e999",
    ],
)
def test_since_takes_no_time_that_is_none(shell: Client, trail: Trail, since: str) -> None:
    wave(trail, 1)

    said = shell("audit", "--since", since)

    assert (said.code, said.stdout) == (2, "")
    problem = f"dns01: --since: {since!r} is no time\n"
    assert said.stderr == problem + "   -> write 2026-11-22, or 2026-11-22T03:00 (UTC)\n"


@pytest.mark.parametrize("octets", [1, 512, 20 << 20])
def test_zeros_at_the_end_of_a_trail_are_told_from_a_line_that_is_cut_off(
    shell: Client, trail: Trail, state_dir: Path, octets: int
) -> None:
    """As a file system leaves them after a crash; the chain goes on behind them."""
    wave(trail, 1)
    with open(state_dir / "audit.jsonl", "ab") as file:
        file.truncate(file.tell() + octets)
    wave(trail, 2)

    said = shell("audit", "verify")

    assert said.code == 0
    assert f" has {octets} octets that are 0" in said.stdout
    assert len(said.stdout.splitlines()) == 4
    assert said.stdout.startswith("2 lines in ")  # the largest is rotated


def test_a_pipe_that_has_no_blocks_gets_bars_of_what_it_has(state_dir: Path, trail: Trail) -> None:
    wave(trail, 1)
    environ = {**os.environ, "DNS01_STATE_DIR": str(state_dir), "PYTHONIOENCODING": "ascii"}

    done = subprocess.run([sys.executable, HOOK, "audit", "show"], capture_output=True, env=environ)

    assert done.stderr == b""
    assert b"20.0 s ######" in done.stdout


@pytest.mark.parametrize("step", ["x" * 500, "wait"])
@pytest.mark.parametrize("seconds", [0.0, 0.001, 86_400.0, 1e11])
def test_bars_stay_within_80_columns(step: str, seconds: float) -> None:
    assert all(len(line) <= 80 for line in bars({step: seconds, "publish": 1.0}, full="#"))


def test_verify_of_a_trail_that_is_whole_gives_the_last_line_to_note(shell: Client, trail: Trail) -> None:
    for number in range(3):
        wave(trail, number)

    said = shell("audit", "verify")

    assert (said.code, said.stderr) == (0, "")
    count, last, verdict = said.stdout.splitlines()
    assert count == "3 lines in 1 file(s)"
    assert verdict == "the chain is whole"
    noted = last.removeprefix("the last line: ")
    assert shell("audit", "verify", "--noted", noted).code == 0
    assert shell("audit", "verify", "--noted", noted.replace("3:", "2:")).code == 1


def test_verify_of_a_trail_that_is_not_as_it_was_says_where_and_fails(
    shell: Client, trail: Trail, state_dir: Path
) -> None:
    for number in range(3):
        wave(trail, number)
    file = state_dir / "audit.jsonl"
    file.write_text(file.read_text().replace("issue 1", "issue 7"))

    said = shell("audit", "verify")

    assert (said.code, said.stderr) == (1, "")
    assert f"{file}:2 " in said.stdout
    assert said.stdout.endswith("the audit trail is NOT as it was written\n")


def test_verify_without_a_trail(shell: Client, state_dir: Path) -> None:
    said = shell("audit", "verify")

    assert (said.code, said.stdout) == (0, f"there is no {state_dir}/audit.jsonl\n")


@pytest.mark.parametrize("noted", ["12", "x:00000000", "1:zz", "1:", ":0f3a", "1:0f3a"])
def test_what_was_noted_has_a_form(shell: Client, noted: str) -> None:
    said = shell("audit", "verify", "--noted", noted)

    assert (said.code, said.stdout) == (2, "")
    problem = f"dns01: --noted: {noted!r} is no line\n"
    assert said.stderr == problem + "   -> write it as it is shown, 1234:0f3a…\n"


def test_the_list_has_the_runs_of_rotated_files_and_says_which_cannot_be_read(
    shell: Client, trail: Trail, state_dir: Path
) -> None:
    wave(trail, 1)
    (state_dir / "audit.jsonl.2.gz").write_bytes(gzip.compress((state_dir / "audit.jsonl").read_bytes()))
    (state_dir / "audit.jsonl").unlink()
    (state_dir / "audit.jsonl.1.gz").write_bytes(b"no gzip")
    wave(trail, 2)

    said = shell("audit")

    runs = [line.rpartition("] ")[2] for line in said.stdout.splitlines() if line.startswith("2025")]
    assert (said.code, runs) == (0, ["run 1", "run 2"])
    assert f" ! the audit trail {state_dir}/audit.jsonl.1.gz cannot be read: " in said.stderr
