"""``dns01 audit``: what every phase did, when, for whom, and what came of it."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click

from ....errors import UsageError
from ....output import line_for_programs, report
from ...clients import detection as clients
from ...state.atomic import usable
from ...state.audit.files import FILE
from ...state.audit.reader import read
from ...state.audit.verify import Verification, verify
from ...state.folder import check_closed, state_dir
from .bars import bars
from .lines import beneath, head

CLIENTS = (*(client.name for client in clients.CLIENTS), "api", "dns01")
TIME = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,6})?)?)?)?)?)?", re.ASCII)
FIRST = "0000-01-01T00:00:00"  # what is left out of a time
NOTED = re.compile(r"(\d{1,15}):([0-9a-f]{8,64})")
FINDINGS_LISTED = 20  # findings of one kind that are shown


@click.group(
    invoke_without_command=True,
    no_args_is_help=False,
    short_help="Show what every phase did, and what came of it.",
)
@click.option("--name", metavar="DOMAIN", help="Only phases for this domain.")
@click.option("--client", type=click.Choice(CLIENTS), help="Only calls of this client.")
@click.option("--phase", metavar="PHASE", help="Only this phase, as the client calls it.")
@click.option("--since", default="", metavar="TIME", help="From 2026-11-22 on, or 2026-11-22T03:00 (UTC).")
@click.option("--failed", is_flag=True, help="Only phases that failed.")
@click.option("--json", "as_json", is_flag=True, help="For programs: a line of JSON for each phase.")
@click.pass_context
def audit(
    context: click.Context,
    name: str | None,
    client: str | None,
    phase: str | None,
    since: str,
    failed: bool,
    as_json: bool,
) -> None:
    """Show the audit trail, oldest first, rotated files included."""
    if context.invoked_subcommand:
        return
    since = (
        _beginning("--since", since, "time", "write 2026-11-22, or 2026-11-22T03:00 (UTC)") if since else ""
    )
    wanted = {"names": name, "client": client, "phase": phase, "outcome": "failed" if failed else None}
    path = _path()
    nothing = True
    for record in read(path, since=since, **{key: value for key, value in wanted.items() if value}):
        if as_json:
            line_for_programs(json.dumps(record).replace("\x7f", "\\u007f"))
        else:
            report(head(record), plain=True)
            for line in beneath(record):
                report(line)
        nothing = False
    if nothing:
        reason = f"{path} has nothing of that kind" if os.path.exists(path) else f"there is no {path}"
        report(reason, aside=True)


@audit.command(short_help="Draw where the time of one run went.")
@click.argument("run", default="")
def show(run: str) -> None:
    """Show one run, with a bar for each step that took time.

    RUN is its number, as `dns01 audit` has it, or the beginning of its time. Without one, it is the last.
    """
    if run and not re.fullmatch(r"[0-9]{1,15}", run):
        run = _beginning("audit show", run, "run", "`dns01 audit` lists them, each with its number")
    found = _find(run)
    if found is None:
        raise UsageError(f"the audit trail {_path()} has no run {run}".rstrip(), "`dns01 audit` lists them")
    report(head(found), plain=True)
    for line in bars(found.get("steps", {})):
        report(line)
    if error := found.get("error"):
        report(f"  {error}")


@audit.command("verify", short_help="Find what was removed, changed, added or reordered.")
@click.option("--noted", metavar="SEQ:HASH", multiple=True, help="A line that was noted elsewhere.")
def verify_command(noted: tuple[str, ...]) -> int:
    """Say whether the audit trail is as it was written, rotated files included.

    The last line's number and hash are shown: kept elsewhere, and given as --noted later on, they prove
    that nothing up to that line was written anew. Exit code 1 if something is not as it was.
    """
    expected = []
    for each in noted:
        if not (match := NOTED.fullmatch(each)):
            raise UsageError(f"--noted: {each!r} is no line", "write it as it is shown, 1234:0f3a…")
        expected.append((int(match[1]), match[2]))
    path = _path()
    found = verify(path, expected)
    for line in _verdict(found, path):
        report(line)
    return 1 if found.tampered else 0


def _beginning(option: str, given: str, what: str, hint: str) -> str:
    """The time as the records have theirs, in UTC, or the beginning of it. Raises UsageError."""
    text = given.strip().upper().replace(" ", "T")
    try:
        if len(text) > len("0000-00-00T00:00") and (moment := datetime.fromisoformat(text)).tzinfo:
            text = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").removesuffix(".")
        if not TIME.fullmatch(text):
            raise ValueError
        datetime.fromisoformat(text + FIRST[len(text) :])
    except (ValueError, OverflowError):
        raise UsageError(f"{option}: {given!r} is no {what}", hint) from None
    return text


def _path() -> str:
    state = state_dir(os.environ)
    with usable(state), suppress(FileNotFoundError):
        check_closed(state)
    return os.path.join(state, FILE)


def _find(run: str) -> dict[str, Any] | None:
    found = None
    for record in read(_path()):
        if not run or (str(record.get("seq")) == run if run.isdigit() else record["time"].startswith(run)):
            found = record
    return found


def _verdict(found: Verification, path: str) -> list[str]:
    """What is to be said of the trail, the gravest last."""
    if not found.files:
        return [f"there is no {path}", *found.tampered]
    lines = [f"{len(found.links)} lines in {len(found.files)} file(s)"]
    if found.older:
        lines.append(
            f"{found.older} lines were written before there was a chain: of them nothing can be said"
        )
    if found.first and found.first.seq > 1:
        lines.append(f"begins with line {found.first.seq}: what was before it is not kept any more")
    lines += [
        f"{place} has {count} octets that are 0 in the place of lines: the machine went down before these "
        "were on the disk, or somebody has made the file longer"
        for place, count in found.zeros.items()
    ]
    lines += _some(found.torn, "was cut off as it was written (a crash, or a full disk)")
    lines += _some(found.tampered, "")
    if found.last:
        lines.append(f"the last line: {found.last.seq}:{found.last.hash}")
    lines.append("the audit trail is NOT as it was written" if found.tampered else "the chain is whole")
    return lines


def _some(places: list[str], what: str) -> list[str]:
    more = [f"and {len(places) - FINDINGS_LISTED} more"] if len(places) > FINDINGS_LISTED else []
    return [f"{place} {what}".rstrip() for place in places[:FINDINGS_LISTED]] + more
