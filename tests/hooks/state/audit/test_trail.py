"""The audit trail: one line for each phase, whatever happened in it."""

from __future__ import annotations

import errno
import json
import os
import pwd
import re
import stat
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest

from dns01.errors import StateError
from dns01.hooks.state.audit import reader
from dns01.hooks.state.audit.record import Steps
from dns01.hooks.state.audit.trail import Trail
from dns01.secret import hide

NOON = 1_762_948_800.25  # 2025-11-12T12:00:00.250Z


@pytest.fixture
def path(state_dir: Path) -> Path:
    return state_dir / "audit.jsonl"


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def trail(path: Path, warnings: list[str]) -> Trail:
    return Trail(str(path), {"SUDO_USER": "ada"}, lambda: NOON, warnings.append)


def records(path: Path, **wanted: str) -> list[dict[str, object]]:
    return list(reader.read(str(path), **wanted))


def test_a_record_says_when_who_and_where(trail: Trail, path: Path) -> None:
    trail.write({"phase": "deploy_challenge", "outcome": "ok"})
    (record,) = records(path)
    assert (record.pop("seq"), record.pop("prev")) == (1, "")
    assert re.fullmatch("[0-9a-f]{64}", str(record.pop("hash")))
    assert record == {
        "time": "2025-11-12T12:00:00.250Z",
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "sudo_user": "ada",
        "host": os.uname().nodename,
        "phase": "deploy_challenge",
        "outcome": "ok",
    }


def test_the_file_is_the_owners_alone(trail: Trail, path: Path) -> None:
    before = os.umask(0)
    try:
        trail.write({})
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_records_are_one_line_each_and_keep_what_is_in_them(trail: Trail, path: Path) -> None:
    error = 'refused:\n\t"TXT" \u2028 Österreich \udcff'
    trail.write({"error": error})
    trail.write({"names": ("a.example.org", "b.example.org"), "steps": {"publish": 0.25}})
    first, second = records(path)
    assert path.read_bytes().count(b"\n") == 2
    assert first["error"] == error
    assert second["names"] == ["a.example.org", "b.example.org"]
    assert second["steps"] == {"publish": 0.25}


def test_no_secret_gets_into_it(trail: Trail, path: Path) -> None:
    hide('hush-"hush"')
    trail.write({"error": 'key hush-"hush" rejected', "published": [{"zone": 'hush-"hush"'}]})
    assert "hush" not in path.read_text()
    assert records(path)[0]["error"] == "key [secret] rejected"


def test_many_processes_write_whole_lines(trail: Trail, path: Path) -> None:
    children = []
    for number in range(8):
        if child := os.fork():
            children.append(child)
            continue
        try:
            for _ in range(25):
                trail.write({"who": str(number), "padding": "x" * 5000})
        finally:
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    lines = [line for line in path.read_text().splitlines() if line]
    assert len(lines) == len(records(path)) == 200


def test_a_torn_line_is_passed_over_and_does_not_tear_the_next(trail: Trail, path: Path) -> None:
    trail.write({"phase": "first"})
    with path.open("a") as file:
        file.write('{"time": "2025-11-12T12:0')
    assert [record["phase"] for record in records(path)] == ["first"]
    trail.write({"phase": "second"})
    assert [record["phase"] for record in records(path)] == ["first", "second"]


@pytest.mark.parametrize("line", ["", "null", "[]", "17", "{}", '{"time": 1}', "\0\0\0"])
def test_a_line_that_is_no_record_is_passed_over(trail: Trail, path: Path, line: str) -> None:
    trail.write({"phase": "first"})
    with path.open("a") as file:
        file.write(line + "\n")
    trail.write({"phase": "second"})
    assert [record["phase"] for record in records(path)] == ["first", "second"]


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_is_warned_about_and_no_more(
    trail: Trail, path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "write", refuse)
    trail.write({})
    (said,) = warnings
    assert str(path) in said
    assert os.strerror(reason) in said


def test_a_disk_that_takes_half_a_line_is_warned_about(
    trail: Trail, path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:20]))
    trail.write({})
    assert len(warnings) == 1
    assert records(path) == []


def test_filters_compare_values_and_look_into_lists(trail: Trail, path: Path) -> None:
    trail.write({"account": "web", "names": ["a.example.org", "b.example.org"]})
    trail.write({"account": "mail", "names": ["b.example.org"]})
    assert len(records(path, names="b.example.org")) == 2
    assert len(records(path, names="example.org")) == 0
    assert [record["account"] for record in records(path, account="web", names="b.example.org")] == ["web"]
    assert records(path, nothing="like that") == []


@pytest.mark.parametrize(
    ("since", "found"), [("2025-11-12", 1), ("2025-11-12T12:00:01", 0), ("2025-11-13", 0)]
)
def test_a_beginning_can_be_set(trail: Trail, path: Path, since: str, found: int) -> None:
    trail.write({})
    assert len(records(path, since=since)) == found


def test_no_file_is_no_records(path: Path) -> None:
    assert records(path) == []


def test_a_file_that_cannot_be_read_is_said(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StateError, match=str(path)):
        records(path)


def test_a_user_without_a_name_is_a_number(trail: Trail, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> NoReturn:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    trail.write({})
    assert records(path)[0]["user"] == str(os.geteuid())


def test_steps_are_timed_in_order_and_add_up() -> None:
    ticks = count(0, 0.5)
    steps = Steps(lambda: next(ticks))
    with steps("publish"):
        pass
    with steps("wait"), steps("resolvers"):
        pass
    with steps("publish"):
        pass
    assert steps.seconds == {"publish": 1.0, "wait": 1.5, "resolvers": 0.5}
    assert list(steps.seconds) == ["publish", "wait", "resolvers"]


def test_a_step_that_fails_is_timed_as_well() -> None:
    steps = Steps(iter([1.0, 3.0]).__next__)
    with pytest.raises(ZeroDivisionError), steps("publish"):
        raise ZeroDivisionError
    assert steps.seconds == {"publish": 2.0}


def test_a_record_can_be_read_by_anything_that_reads_json(trail: Trail, path: Path) -> None:
    trail.write({"phase": "deploy_challenge"})
    assert json.loads(path.read_text())["phase"] == "deploy_challenge"
