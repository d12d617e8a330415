"""What is kept of orders between two runs, and the threads that do their steps."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from dns01.errors import StateError
from dns01.hooks.issue.order_state import OrderState, OrderStates
from dns01.hooks.issue.planning.limits import DAY, Event
from dns01.hooks.issue.wave.scheduler import Scheduler

NOW = 1_800_000_000.0
KEPT = OrderState(
    "a.example",
    ("a.example",),
    "https://ca.example/dir",
    "https://ca.example/order/1",
    "the key",
    begun=NOW,
)


@pytest.fixture
def states(tmp_path: Path) -> OrderStates:
    return OrderStates(str(tmp_path))


def test_what_is_written_is_read_and_only_its_owner_can(states: OrderStates, tmp_path: Path) -> None:
    states.write(KEPT)

    assert states.read("a.example") == KEPT
    assert states.all() == {"a.example": KEPT}
    (file,) = tmp_path.glob("orders/*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_of_what_is_unknown_nothing_is_kept(states: OrderStates) -> None:
    assert states.read("a.example") == OrderState("a.example")
    assert states.all() == {}


def test_an_order_that_is_closed_leaves_no_key(states: OrderStates, tmp_path: Path) -> None:
    states.write(KEPT)
    states.write(KEPT.closed())

    assert not states.read("a.example").is_open
    assert "the key" not in "".join(file.read_text() for file in tmp_path.glob("orders/*"))


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": 1}', "[" * 100_000, '{"version": "1"}', "\x00"]
)
def test_a_corrupt_file_is_set_aside(states: OrderStates, tmp_path: Path, content: str) -> None:
    states.write(KEPT)
    (file,) = tmp_path.glob("orders/*.json")
    file.write_text(content)

    assert states.all() == {}
    assert [each.name for each in (tmp_path / "corrupt" / "orders").iterdir()] == [file.name]


def test_a_value_of_another_type_is_corrupt(states: OrderStates, tmp_path: Path) -> None:
    states.write(KEPT)
    (file,) = tmp_path.glob("orders/*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "failures": "3"}))

    assert states.all() == {}


def test_what_a_newer_version_wrote_is_left_alone(states: OrderStates, tmp_path: Path) -> None:
    states.write(KEPT)
    (file,) = tmp_path.glob("orders/*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 2}))

    assert states.all() == {}
    assert file.exists()


def test_events_are_counted_by_account_and_forgotten_after_a_week(
    states: OrderStates, tmp_path: Path
) -> None:
    old, new = Event("order", NOW - 8 * DAY, ("a",)), Event("issued", NOW - DAY, ("a", "b"))
    for event in (old, new):
        states.count("ours", event)
    states.count("theirs", new)

    assert states.events("ours", NOW) == [new]
    states.prune(NOW)
    assert len((tmp_path / "orders" / "events.jsonl").read_text().splitlines()) == 2


def test_a_torn_line_costs_no_other(states: OrderStates, tmp_path: Path) -> None:
    event = Event("order", NOW, ("a",))
    states.count("ours", event)
    with (tmp_path / "orders" / "events.jsonl").open("a") as file:
        file.write('["ours", "ord\n[1]\n7\n')
    states.count("ours", event)

    assert states.events("ours", NOW) == [event, event]


def test_a_second_run_is_told_who_is_at_work(states: OrderStates) -> None:
    locked = pytest.raises(StateError, match=f"dns01 issue.* process {os.getpid()}$")
    with states.lock(), locked, states.lock():
        pass


# The scheduler


def test_steps_are_done_and_the_end_is_waited_for() -> None:
    done: list[str] = []
    with Scheduler(2) as scheduler:
        scheduler.submit(lambda: scheduler.submit(lambda: done.append("second"), delay=0.05))
        scheduler.submit(lambda: done.append("first"))
        scheduler.join()

    assert done == ["first", "second"]


def test_one_that_waits_for_its_time_holds_nobody_up() -> None:
    begun = threading.Event()
    with Scheduler(1) as scheduler:
        scheduler.submit(lambda: None, delay=3600)
        scheduler.submit(begun.set)

        assert begun.wait(30)


def test_what_a_step_raises_is_raised_where_its_end_is_waited_for() -> None:
    def fails() -> None:
        raise StateError("no room")

    with Scheduler(2) as scheduler:
        scheduler.submit(fails)
        scheduler.submit(lambda: None, delay=3600)
        with pytest.raises(StateError, match="no room"):
            scheduler.join()
