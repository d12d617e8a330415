"""Locks are waited for, and no longer than is said; who holds one is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dns01.errors import StateError
from dns01.lockfile import locked


def never(_: float) -> None:
    raise AssertionError("it is not to be waited for")


def test_a_lock_that_another_holds_is_waited_for_and_its_holder_named(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    pauses: list[float] = []
    with (
        locked(path, "the zone", 0.0, never),
        pytest.raises(StateError, match="the zone has been locked by process") as refused,
        locked(path, "the zone", 1.0, pauses.append),
    ):
        pass
    assert f"process {os.getpid()} for more than 1 s" in str(refused.value)
    assert sum(pauses) == pytest.approx(1.0)


def test_one_that_is_not_waited_for_is_held_and_no_time_is_said(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with (
        locked(path, "`dns01 issue`", 0.0, never),
        pytest.raises(StateError) as refused,
        locked(path, "`dns01 issue`", 0.0, never),
    ):
        pass
    assert str(refused.value) == f"`dns01 issue` is locked by process {os.getpid()}"


def test_a_fifo_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    os.mkfifo(path)
    with locked(path, "the zone", 0.0, never), pytest.raises(StateError), locked(path, "it", 0.0, never):
        pass


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "lock").symlink_to("theirs")
    with pytest.raises(OSError), locked(str(tmp_path / "lock"), "the zone", 0.0, never):  # noqa: PT011
        pass
    assert (tmp_path / "theirs").read_text() == "theirs"
