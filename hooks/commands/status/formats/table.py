"""What ``dns01 status`` shows: the line of a monitoring plugin, and beneath it all certificates."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..... import output
from .....secret import redact
from .....wrapping import width
from ....deploy.certificate.leaf import Leaf
from ....state.atomic import iso
from ....state.audit.record import who_and_what
from ....state.journal import RETRACT
from ..expiry import Level, span, with_hints, worst
from ..inventory import CertificateTarget, Known
from ..overview import Overview, Standing
from ..services import ServedCertificate

NAMED = 3  # problems that the first line has room for
LENGTH = 80  # characters of each
COLUMNS = ("state", "certificate", "expires", "key", "issuer", "deployed", "live")
NONE = "-"  # stands in a column that there is nothing to be said in
STATE_WIDTH = max(map(len, Level.__members__))
STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.CRITICAL: "bold red", Level.UNKNOWN: "magenta"}


def show(overview: Overview) -> None:
    """Print it: for programs with their figures and in lines as long as they are; on a terminal with
    colours, in lines that it has room for."""
    rows = [_row(standing, overview.at) for standing in overview.certificates]
    if sys.stdout.isatty():
        output.report(summary(overview))
        _colour(rows, width(sys.stdout))
    else:
        output.report(headline(overview))
        for line in aligned([COLUMNS, *rows]) if rows else ():
            output.report(line)
    for line in _notes(overview):
        output.report(line)
    if overview.last:
        output.report(_clean(_last_run(overview.last)), plain=True)


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows as lines, their columns beneath each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def stacked(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """State and name of each certificate in one line, and all else about it beneath."""
    for state, name, *facts, deployed_at, live in rows:
        indent = " " * (STATE_WIDTH + 2)
        yield f"{state:{STATE_WIDTH}}  {name}"
        yield f"{indent}{', '.join(facts)}"
        yield from (f"{indent}{cell}" for cell in (deployed_at, live) if cell != NONE)


def headline(overview: Overview) -> str:
    """The first line, as monitoring plugins write it: a short text, and performance data behind a bar."""
    return f"{summary(overview)} | {_figures(overview)}"


def summary(overview: Overview) -> str:
    """The state of everything in one line, which names the worst."""
    problems = overview.every_problem
    texts = [_shortened(_clean(problem.text)) for problem in problems[:NAMED]]
    if len(problems) > NAMED:
        texts.append(f"and {len(problems) - NAMED} more")
    affected = sum(1 for standing in overview.certificates if standing.problems)
    about = f"{affected} of {_counted(overview)}: " if affected else ""
    text = about + "; ".join(texts) if texts else _good_news(overview)
    return f"DNS01 {overview.level.name} - {text}"


def _shortened(text: str) -> str:
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


def _counted(overview: Overview) -> str:
    count = len(overview.certificates)
    return f"{count} certificate{'' if count == 1 else 's'}"


def _good_news(overview: Overview) -> str:
    leaves = [(each.known.leaf, each.known.name) for each in overview.certificates if each.known.leaf]
    if not leaves:
        return "what the services show is good"
    first, name = min((leaf.not_after, name) for leaf, name in leaves)
    return _clean(f"{_counted(overview)}, the first to expire is {name} in {span(first - overview.at)}")


def _figures(overview: Overview) -> str:
    levels = [worst(standing.problems) for standing in overview.certificates]
    left = [each.known.leaf.not_after - overview.at for each in overview.certificates if each.known.leaf]
    figures = {
        "certificates": len(levels),
        "warning": levels.count(Level.WARNING),
        "critical": levels.count(Level.CRITICAL),
        "pending": sum(1 for each in overview.certificates for to in each.known.destinations if to.pending),
        "open_records": len(overview.entries),
    }
    parts = [f"{name}={figure}" for name, figure in figures.items()]
    return " ".join([*parts, *([f"next_expiry={min(left).total_seconds():.0f}s"] if left else [])])


def _row(standing: Standing, now: datetime) -> tuple[str, ...]:
    known = standing.known
    leaf = known.leaf
    return tuple(
        _clean(cell)
        for cell in (
            worst(standing.problems).name,
            known.name if leaf is None or len(leaf.names) < 2 else f"{known.name} +{len(leaf.names) - 1}",
            expires(leaf, now) if leaf else "?",
            leaf.key_type if leaf else "?",
            common_name(leaf.issuer) if leaf else "?",
            ", ".join(map(deployed, known.destinations)) or NONE,
            ", ".join(f"{service} {verdict(shown)}" for service, shown in standing.shown.items()) or NONE,
        )
    )


def expires(leaf: Leaf, now: datetime) -> str:
    """The date, and how far away it is."""
    left = leaf.not_after - now
    when = f"in {span(left)}" if leaf.not_after > now else f"{span(-left)} ago"
    return f"{leaf.not_after:%Y-%m-%d} {when}"


def common_name(issuer: str) -> str:
    """The one of its names that people know a CA by."""
    names = [part.removeprefix("CN=") for part in issuer.split(",") if part.startswith("CN=")]
    return names[0] if names else issuer


def deployed(destination: CertificateTarget) -> str:
    """The target, and since when the certificate is there."""
    target = destination.target or "its targets"
    if destination.pending:
        return f"{target} (pending)"
    return f"{target} ({iso(destination.deployed.since)[:10] if destination.deployed else 'not yet'})"


def verdict(shown: ServedCertificate) -> str:
    """What the service shows, in a word or two."""
    if shown.matches:
        return "matches"
    return "unreachable" if shown.leaf is None else "another certificate"


def _colour(rows: Sequence[tuple[str, ...]], columns: int) -> None:
    """Print the certificates in a table of the columns that say something, or stacked where that is wider
    than the terminal."""
    from rich.console import Console
    from rich.text import Text

    filled = [
        column for column in zip(COLUMNS, *rows, strict=True) if any(cell != NONE for cell in column[1:])
    ]
    lines = aligned(list(zip(*filled, strict=True)))
    if columns and any(len(line) > columns for line in lines):
        lines = list(stacked(rows))
    console = Console(markup=False, highlight=False)
    for line in lines:
        text = Text(line)
        state = line.partition(" ")[0]
        if state in Level.__members__:
            text.stylize(STYLES[Level[state]], 0, len(state))
        elif line.startswith(COLUMNS[0]):
            text.stylize("bold")
        console.print(text, soft_wrap=True)


def _notes(overview: Overview) -> Iterator[str]:
    for problem, hint in with_hints(overview.every_problem):
        yield f"{problem.level.name}: {_clean(problem.text)}"
        if hint:
            yield f"   -> {_clean(hint)}"
    for service, shown in overview.probed.items():
        if leaf := shown.leaf:
            yield _clean(f"{service} shows {', '.join(leaf.names)}, {expires(leaf, overview.at)}")
    for standing in overview.certificates:
        yield from map(_clean, _differences(standing.known))
    if overview.entries:
        failing = sum(1 for entry in overview.entries if entry.state == RETRACT)
        failed = f", {failing} of them could not be taken back so far" if failing else ""
        yield f"open records: {len(overview.entries)}{failed} (dns01 sweep --dry-run)"


def _differences(known: Known) -> Iterator[str]:
    """What clients may miss in what was brought somewhere; of what is still to be, the problem says it."""
    for each in known.destinations:
        if each.deployed and not each.pending and each.deployed.differences == each.differences:
            since = iso(each.deployed.since)[:10]
            yield from (f"{known.name} → {each.target}: since {since}, {line}" for line in each.differences)


def _last_run(record: Mapping[str, Any]) -> str:
    words = [who_and_what(record), *record.get("names", ())]
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in record.get("steps", {}).items())
    outcome = f"{record.get('outcome')}{steps and f' ({steps})'}"
    return f"last run: {record['time']} {' '.join(map(str, words))}: {outcome}"


def _clean(text: str) -> str:
    """Without what a terminal obeys, or a monitoring system takes for the beginning of figures."""
    return "".join(each if each.isprintable() else "�" for each in redact(text)).replace("|", "/")
