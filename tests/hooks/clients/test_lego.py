"""lego's pause between two names: it is said how to do without, where there has been one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import pytest
from calls import Stage
from contract import validation

from dns01.hooks.clients.lego import needless_pause
from dns01.hooks.state.atomic import iso

NOW = 1_800_000_000.0


def record(phase: str, ago: float, now: float = NOW) -> Mapping[str, str]:
    return {"phase": phase, "time": iso(now - ago)}


def test_a_pause_as_long_as_lego_s_default_is_said_with_the_variable() -> None:
    records = [record("lego present", 62.0), record("lego cleanup", 61.0)]
    assert "EXEC_SEQUENCE_INTERVAL=1" in needless_pause(records, {}, NOW)


@pytest.mark.parametrize(
    ("phase", "ago", "environ"),
    [
        ("lego cleanup", 61.0, {"EXEC_SEQUENCE_INTERVAL": "60"}),  # somebody wants it
        ("lego cleanup", 2.0, {}),  # lego has not paused
        ("lego cleanup", 3600.0, {}),  # another run
        ("lego present", 61.0, {}),  # all names at once
        ("clean_challenge", 61.0, {}),  # another client
    ],
)
def test_otherwise_nothing_is_said(phase: str, ago: float, environ: Mapping[str, str]) -> None:
    assert needless_pause([record(phase, ago)], environ, NOW) == ""


def test_of_two_clean_ups_the_last_counts() -> None:
    assert needless_pause([record("lego cleanup", 70.0), record("lego cleanup", 1.0)], {}, NOW) == ""


def test_the_call_after_a_pause_says_it(stage: Stage) -> None:
    client = stage.client("lego")
    client("present", "_acme-challenge.example.org.", validation("a"))
    client("cleanup", "_acme-challenge.example.org.", validation("a"))
    trail = stage.state / "audit.jsonl"
    *earlier, cleanup = trail.read_text().splitlines()
    an_older_one = json.loads(cleanup) | {"time": iso(time.time() - 61)}
    trail.write_text("\n".join([*earlier, json.dumps(an_older_one), ""]))
    assert (
        "EXEC_SEQUENCE_INTERVAL" in client("present", "_acme-challenge.example.org.", validation("b")).stderr
    )
