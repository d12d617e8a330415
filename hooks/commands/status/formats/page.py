"""The page of ``dns01 status --html FILE``: one file, without a script, and with nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, NewType

from .....output import printable
from .....secret import redact
from ....deploy.certificate.leaf import Leaf
from ..expiry import Level, Problem, with_hints, worst
from ..overview import Overview, Standing
from .table import NONE, common_name, deployed, expires, summary, verdict

RUNS = 20  # of the audit trail, the newest first
NAMED = 3  # of a run's names
COLUMNS = {  # of each section
    "Problems": ("state", "what is wrong, and what to do"),
    "Certificates": ("state", "certificate", "expires", "issuer", "deployed", "live"),
    "Open records": ("name", "zone", "account", "last failure"),
    "Last runs": ("UTC", "run", "steps", "outcome"),
}

# That need no word beside them.
PLAIN = {"state", "certificate", COLUMNS["Problems"][1], "UTC", "run", "name"}

STYLE = """\
:root { color-scheme: light dark; --line: #8884; --faint: #8883; --part: #3b7dd8;
  --ok: #2a7f3f; --warning: #a35f00; --critical: #c62828; --unknown: #7b3fa0 }
@media (prefers-color-scheme: dark) { :root { --part: #6ea8fe;
  --ok: #6fcf85; --warning: #f0b04a; --critical: #ff8a80; --unknown: #d3a4f0 } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
  overflow-wrap: anywhere }
h1 { font-size: 1.3rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
header { border-left: .5rem solid; padding: .25rem 1rem } header p { margin: .2rem 0 }
nav { margin: 1rem 0 0 } nav a { color: inherit; margin-right: 1.2rem }
.ok { color: var(--ok) } .warning { color: var(--warning) } .critical { color: var(--critical) }
.unknown { color: var(--unknown) } .ok, .warning, .critical, .unknown { border-color: currentColor }
header p { color: CanvasText }
table { border-collapse: collapse; width: 100% }
th, td { border-top: 1px solid var(--line); padding: .35rem .8rem .35rem 0; text-align: left;
  vertical-align: top }
th { border: 0; font-weight: 600 } td small { display: block; opacity: .75 }
[data-of=issuer], [data-of=deployed], [data-of=live] { min-width: 8rem }
td b, .when { overflow-wrap: normal; white-space: nowrap }
.bar { background: var(--faint); border-radius: 3px; display: flex; height: .5rem; min-width: 7rem;
  overflow: hidden; print-color-adjust: exact; -webkit-print-color-adjust: exact }
.bar i { background: var(--part); display: block }
.bar i:nth-child(even) { opacity: .55 }
@media screen and (max-width: 45rem) {
  thead { display: none } tr { border-top: 1px solid var(--line); display: block; padding: .5rem 0 }
  td { border: 0; display: block; padding: .1rem 0; position: relative }
  td[data-of] { padding-left: 6.5rem }
  td::before { content: attr(data-of); left: 0; opacity: .6; position: absolute; width: 6rem }
  td.none { display: none } }
@media print { body { font-size: 11px; margin: 0; max-width: none } nav { display: none }
  tr { break-inside: avoid } h2 { break-after: avoid } }
"""

HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>dns01: {state}</title>
<style>
{style}</style>
</head>
<body>
"""


Cell = NewType("Cell", str)  # what may stand in the page as it is


def text(overview: Overview) -> str:
    """The HTML of the page; what comes from outside is escaped."""
    at, state = overview.at, overview.level
    heading = summary(overview).partition(" - ")[2]
    longest = max((sum(_steps(record).values()) for record in overview.trail[-RUNS:]), default=0.0)
    sections = {
        "Problems": list(_problems(overview.every_problem)),
        "Certificates": [_certificate(standing, at) for standing in overview.certificates],
        "Open records": [
            [_cell(entry.target), _cell(entry.zone), _cell(entry.account), _cell(entry.error or "-")]
            for entry in overview.entries
        ],
        "Last runs": [_run(record, longest) for record in reversed(overview.trail[-RUNS:])],
    }
    return "".join(
        (
            HEAD.format(state=state.name, style=STYLE),
            f'<header class="{_class(state)}"><h1>{state.name}</h1><p>{_cell(heading)}</p>',
            f"<p><small>{at:%Y-%m-%d %H:%M} UTC</small></p></header>\n",
            _links({title: len(rows) for title, rows in sections.items() if rows}),
            *(_table(title, rows) for title, rows in sections.items() if rows),
            "</body>\n</html>\n",
        )
    )


def _links(counts: Mapping[str, int]) -> str:
    """To each section, with the number of its rows."""
    links = (f'<a href="#{_anchor(title)}">{title} ({count})</a>' for title, count in counts.items())
    return f"<nav>{' '.join(links)}</nav>\n"


def _table(title: str, rows: Iterable[Sequence[Cell]]) -> str:
    """A section; on a narrow screen, where its head is hidden, each cell says which column it is of."""
    head = "".join(f"<th>{column}</th>" for column in COLUMNS[title])
    body = "".join(f"<tr>{''.join(map(_data, COLUMNS[title], row))}</tr>\n" for row in rows)
    return (
        f'<h2 id="{_anchor(title)}">{title}</h2>\n'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"
    )


def _data(column: str, cell: Cell) -> str:
    none = " class=none" if cell == NONE else ""
    of = "" if column in PLAIN else f' data-of="{column}"'
    return f"<td{none}{of}>{cell}</td>"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _certificate(standing: Standing, now: datetime) -> list[Cell]:
    known, leaf = standing.known, standing.known.leaf
    return [
        _state(worst(standing.problems)),
        _cell(known.name, ", ".join(leaf.names) if leaf and leaf.names != (known.name,) else ""),
        _life(leaf, now) if leaf else _cell("?"),
        _cell(common_name(leaf.issuer), leaf.key_type) if leaf else _cell("?"),
        _lines(deployed(destination) for destination in known.destinations),
        _lines(f"{service} {verdict(shown)}" for service, shown in standing.shown.items()),
    ]


def _life(leaf: Leaf, now: datetime) -> Cell:
    """When it expires, and how much of its lifetime is left."""
    left = (leaf.not_after - now) / (leaf.not_after - leaf.not_before)
    when = f"<span class=when>{_cell(expires(leaf, now))}</span>"
    return Cell(f"{when}{_bar([100 * min(max(left, 0.0), 1.0)])}")


def _problems(problems: Iterable[Problem]) -> Iterator[list[Cell]]:
    """What is wrong, each with its next step."""
    for problem, hint in with_hints(problems):
        yield [_state(problem.level), _cell(problem.text, hint)]


def _run(record: Mapping[str, Any], longest: float) -> list[Cell]:
    """One call of a client, with a bar that is as long as its steps have taken, beside the longest."""
    steps = _steps(record)
    names = [str(name) for name in record.get("names", ())]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    times = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in steps.items())
    bar = _bar(100 * seconds / longest for seconds in steps.values()) if longest else ""
    level = Level.CRITICAL if record.get("outcome") == "failed" else Level.OK
    error = str(record.get("error") or "")
    return [
        _cell(str(record["time"])[:19].replace("T", " ")),
        _cell(f"{record.get('client', '')} {record.get('phase', '')}", ", ".join(names[:NAMED]) + more),
        Cell(f"{bar}{_cell('', times)}"),
        Cell(
            f'<span class="{_class(level)}">{_cell(str(record.get("outcome", "")))}</span>{_cell("", error)}'
        ),
    ]


def _steps(record: Mapping[str, Any]) -> dict[str, float]:
    return {str(step): max(0.0, float(seconds)) for step, seconds in record.get("steps", {}).items()}


def _bar(shares: Iterable[float]) -> Cell:
    """A bar of parts, in percent of its width."""
    return Cell(f'<div class="bar">{"".join(f"<i style=width:{share:.1f}%></i>" for share in shares)}</div>')


def _state(level: Level) -> Cell:
    return Cell(f'<b class="{_class(level)}">{level.name}</b>')


def _class(level: Level) -> str:
    return level.name.lower()


def _lines(texts: Iterable[str]) -> Cell:
    return Cell("<br>".join(map(_cell, texts)) or NONE)


def _cell(text: str, beneath: str = "") -> Cell:
    """Text of anybody's, and in small letters what stands beneath it."""
    small = f"<small>{_cell(beneath)}</small>" if beneath else ""
    return Cell(escape(printable(redact(text))) + small)
