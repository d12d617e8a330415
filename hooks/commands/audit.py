"""``dns01 audit``: what every phase did, when, for whom, and what came of it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from typing import Any

import click

from ... import output
from ...errors import UsageError
from ..clients import read as clients
from ..state import audit as trail
from ..state.folder import state_dir

CLIENTS = (*(client.name for client in clients.CLIENTS), "api", "dns01")
LISTED = 10  # names that a line has, or has lines of their own
SHOWN = 0.05  # seconds: a step that took less is only in the JSON
TIME = r"(\d{4}-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d+)?Z?)?)?)?)?)?"


@click.command(short_help="Show what every phase did, and what came of it.")
@click.option("--name", metavar="DOMAIN", help="Only phases for this domain.")
@click.option("--client", type=click.Choice(CLIENTS), help="Only calls of this client.")
@click.option("--phase", metavar="PHASE", help="Only this phase, as the client calls it.")
@click.option("--since", default="", metavar="TIME", help="From 2026-11-22 on, or 2026-11-22T03:00 (UTC).")
@click.option("--failed", is_flag=True, help="Only phases that failed.")
@click.option("--json", "as_json", is_flag=True, help="For programs: a line of JSON for each phase.")
def audit(
    name: str | None, client: str | None, phase: str | None, since: str, failed: bool, as_json: bool
) -> None:
    """Show the audit trail, oldest first."""
    if not re.fullmatch(TIME, since):
        raise UsageError(f"--since: {since!r} is no time", "write 2026-11-22, or 2026-11-22T03:00 (UTC)")
    wanted = {"names": name, "client": client, "phase": phase, "outcome": "failed" if failed else None}
    path = os.path.join(state_dir(os.environ), trail.FILE)
    nothing = True
    for record in trail.read(path, since=since, **{key: value for key, value in wanted.items() if value}):
        click.echo(json.dumps(record) if as_json else _lines(record))
        nothing = False
    if nothing:
        click.echo(
            f"{path} has nothing of that kind" if os.path.exists(path) else f"there is no {path}", err=True
        )


def _lines(record: dict[str, Any]) -> str:
    who = record["user"] + (f" (sudo by {record['sudo_user']})" if record.get("sudo_user") else "")
    said = record["phase"] if record["client"] == "certbot" else f"{record['client']} {record['phase']}"
    names = record["names"] if len(record["names"]) <= LISTED else [f"{len(record['names'])} names"]
    head = " ".join((record["time"], f"{record['outcome']:6}", said, *names))
    lines = [f"{head} [{who}@{record['host']}]"]
    for done in ("published", "retracted"):
        places = Counter(map(_where, record[done]))
        if len(places) > LISTED:
            places = Counter(f"names{_zone(place)}" for place in record[done])
        for where, count in places.items():
            lines.append(f"    {done} {f'{count} values at ' if count > 1 else ''}{where}")
    for row in record.get("deployed", ()):
        lines.append(f"    {'not ' if row['error'] else ''}deployed {row['name']} → {row['target']}")
    for row in record.get("certificates", ()):
        lines.append(f"    {row['name']}: {row['stage']}" + (f": {row['error']}" if row["error"] else ""))
    if steps := [f"{step} {seconds:.1f} s" for step, seconds in record["steps"].items() if seconds >= SHOWN]:
        lines.append(f"    {', '.join(steps)}")
    if record.get("error"):
        lines.append(f"    {record['error']}")
    return "\n".join(lines)


def _where(place: dict[str, str]) -> str:
    return f"{place['target']}{_zone(place)}"


def _zone(place: dict[str, str]) -> str:
    return f" in {place['zone']}, account {output.account(place['account'], place['provider'])}"
