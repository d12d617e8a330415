"""Where the time of a run went, as bars: for any terminal of 80 columns, and for any pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

WIDTH = 80  # columns
NAMES = 24  # columns of the longest name of a step


def bars(steps: Mapping[str, float], width: int = WIDTH, full: str = "") -> Iterator[str]:
    """A line for each step, in their order: its name, its seconds, and a bar, the longest of which fills
    the line. ``full``: what bars are made of; else a block, or "#" where stdout cannot have it."""
    if not steps:
        yield "  no step took any time"
        return
    full = full or _block(sys.stdout.encoding)
    names = {step: step if len(step) <= NAMES else f"{step[: NAMES - 1]}~" for step in steps}
    label = max(map(len, names.values()))
    figures = {step: f"{seconds:.1f} s" for step, seconds in steps.items()}
    figure = max(map(len, figures.values()))
    room = width - label - figure - 5
    longest = max(steps.values())
    for step, seconds in steps.items():
        length = round(room * seconds / longest) if longest else 0
        bar = full * max(length, 1 if seconds else 0)
        yield f"  {names[step]:{label}}  {figures[step]:>{figure}} {bar}".rstrip()


def _block(encoding: str | None) -> str:
    try:
        "█".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return "█"
