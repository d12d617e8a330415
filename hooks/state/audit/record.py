"""What a line of the audit trail says of a phase."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...clients.call import Call

TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3}Z")  # as ``iso`` writes it

LONGEST_PROBLEM = 4096  # characters of a CA's words


class Steps:
    """A stopwatch for the steps of a phase: ``with steps("publish"): …``.

    ``seconds`` holds the time spent in each, in the order of their first start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        before, start = self.seconds.setdefault(name, 0.0), self._clock()
        try:
            yield
        finally:
            self.seconds[name] = round(before + self._clock() - start, 3)


def entry(call: Call, **what: Any) -> dict[str, Any]:
    """The record of a phase; ``what`` has come of it, where anything has."""
    nothing = {"published": [], "retracted": [], "deployed": [], "steps": {}, "outcome": "ok", "error": ""}
    domain = call.certificate.domain if call.certificate else ""
    names = [*(challenge.domain for challenge in call.challenges), *([domain] if domain else [])]
    problem = {"problem": call.problem[:LONGEST_PROBLEM]} if call.problem else {}
    return {"client": call.client, "phase": call.client_phase, "names": names, **nothing, **problem, **what}


def who_and_what(record: Mapping[str, Any]) -> str:
    """The client and its phase, in whose words it may be named already."""
    client, phase = (str(record.get(key, "")) for key in ("client", "phase"))
    return phase if phase.partition(" ")[0] == client else f"{client} {phase}"


def decode(line: bytes) -> dict[str, Any] | None:
    """The record that a line holds; None where it holds none: its writer was killed, or the disk was full.

    A field that is not as this writes it is left out.
    """
    try:
        record = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not TIME.fullmatch(str(record.get("time"))):
        return None
    return {key: value for key, value in record.items() if key not in SHAPES or SHAPES[key](value)}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _are_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and _is_row(each) for each in value)


def _is_row(row: Mapping[str, object]) -> bool:
    return all(ROW_SHAPES.get(key, _is_scalar)(each) for key, each in row.items())


def _is_scalar(value: object) -> bool:
    return isinstance(value, str) or _is_duration(value)


def _are_durations(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_duration, value.values()))


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < 1e12


ROW_SHAPES: Mapping[str, Callable[[object], bool]] = {"names": _are_texts, "at": _are_durations}
SHAPES: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(
        ("time", "user", "sudo_user", "host", "client", "phase", "outcome", "error", "problem"), _is_text
    ),
    **dict.fromkeys(("published", "retracted", "deployed", "certificates"), _are_rows),
    "names": _are_texts,
    "steps": _are_durations,
}
