"""What the measurements leave for docs/performance.rst: a table of each, and a picture of all.

Every bench calls ``record``; ``docs/update.py`` writes the tables and the picture from what is recorded in
``docs/performance/``. Run by itself it has that written again.

    python bench/report.py
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "performance"
OURS = "dns01"

DEBIAN = ("bind9", "pebble", "lego", "certbot", "dehydrated")  # packages whose programs are met

# The picture: a bar for each row with an aim, as a share of it, on a logarithmic axis.
LEAST, MOST = 0.01, 100.0  # of the aim
LINE, LABELS, WIDTH, MARGIN = 18, 430, 900, 34  # pixels


class Row(NamedTuple):
    """One figure. ``aim``: what it may be at most; ``whose``: of dns01, or of what it is compared with."""

    what: str
    value: float
    unit: str = "s"
    aim: float | None = None
    whose: str = OURS


def record(name: str, rows: Iterable[Row], *, seed: int | None = None, note: str = "") -> None:
    """Keep what a bench has measured, and have the documentation say it. ``note``: what a reader has to know
    of this very run."""
    RESULTS.mkdir(exist_ok=True)
    kept = {
        "command": " ".join(["python", f"bench/{name}.py", *sys.argv[1:]]),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": _machine(),
        "versions": _versions(),
        "seed": seed,
        "note": note,
        "rows": [row._asdict() for row in rows],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    main()


def main() -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "update.py"], check=True)


def table(name: str) -> str:
    """The rows of one bench as a table of reStructuredText, and how they came about."""
    kept = _kept(name)
    if kept is None:
        return f"Not measured yet: ``python bench/{name}.py``"
    head = ("what", "whose", "measured", "aim, at most")
    lines = [head, *(_cells(row) for row in _rows(kept))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = "  ".join("=" * width for width in widths)
    shown = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    versions = ", ".join(f"{what} {which}" for what, which in kept["versions"].items())
    seed = f", seed {kept['seed']}" if kept["seed"] is not None else ""
    how = f"``{kept['command']}``, {kept['date']}{seed}; {kept['machine']}; {versions}."
    note = f"{kept['note']}\n\n" if kept["note"] else ""
    return "\n".join([rule, shown[0], rule, *shown[1:], rule]) + f"\n\n{note}{how}"


def picture() -> str:
    """An SVG of every row that has an aim: how much of the aim it takes."""
    rows = [row for name in names() for row in _rows(_kept(name) or {}) if row.aim]
    height = 2 * MARGIN + LINE * len(rows)
    body = [_text(WIDTH - MARGIN, MARGIN - 18, "measured ÷ aim, logarithmic; hollow: not ours", "end")]
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        x = _x(10.0**power)
        colour = "#c00" if power == 0 else "#ccc"
        body.append(f'<path d="M{x:.0f} {MARGIN} V{height - MARGIN}" stroke="{colour}"/>')
        body.append(_text(x, height - MARGIN + 16, f"{10.0**power:g}", "middle"))
    for number, row in enumerate(rows):
        body += _bar(row, MARGIN + LINE * number)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def names() -> list[str]:
    """The benches that have been recorded."""
    return sorted(path.stem for path in RESULTS.glob("*.json"))


def _bar(row: Row, y: int) -> Iterator[str]:
    begin, end = _x(LEAST), _x(row.value / (row.aim or 1.0))
    fill = "#369" if row.whose == OURS else "none"
    yield _text(LABELS - 6, y + 13, _shortened(row), "end")
    yield (
        f'<rect x="{begin:.0f}" y="{y + 3}" width="{max(end - begin, 1):.0f}" height="{LINE - 6}" '
        f'fill="{fill}" stroke="#369"/>'
    )


def _shortened(row: Row) -> str:
    label = row.what if row.whose == OURS else f"{row.whose}: {row.what}"
    return label if len(label) < 66 else f"{label[:64]}…"


def _x(share: float) -> float:
    share = min(max(share, LEAST), MOST)
    span = math.log10(MOST / LEAST)
    return LABELS + (WIDTH - LABELS - MARGIN) * math.log10(share / LEAST) / span


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _cells(row: Row) -> tuple[str, str, str, str]:
    aim = "" if row.aim is None else _figure(row.aim, row.unit)
    return row.what, row.whose, _figure(row.value, row.unit), aim


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def _kept(name: str) -> Mapping[str, Any] | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _rows(kept: Mapping[str, Any]) -> list[Row]:
    return [Row(**row) for row in kept.get("rows", ())]


def _machine() -> str:
    """Its processors and memory, its system, and how busy others keep it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "processors")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB; {system}; load {os.getloadavg()[1]:.1f}"


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "dnspython": version("dnspython")}
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n", *DEBIAN]
    said = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    return found | dict(line.split() for line in said.splitlines() if " " in line)


if __name__ == "__main__":
    main()
