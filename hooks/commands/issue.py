"""``dns01 issue``: have every certificate that is due, in one wave."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ... import output
from ...errors import AcmeError, ConfigError
from ..state.atomic import iso

if TYPE_CHECKING:
    from ..issue.fleet.fleet_run import FleetRun
    from ..issue.issue_run import IssueRun
    from ..issue.report import Report

VERSION = 1  # of what --json writes
WORDS = {
    "order": "to be ordered",
    "go on": "its order goes on",
    "deliver": "to be brought to its targets",
    "not due": "not due",
    "back-off": "left alone",
    "limit": "has to wait",
    "set aside": "set aside",
}
UNTIL = {"back-off": "until", "limit": "until", "not due": "before"}  # what the plan's time is to each


@click.command(short_help="Have every certificate that is due, in one wave.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only say what is due, why, and what the CA allows now.")
@click.option(
    "--force", is_flag=True, help="Try the NAMEs now, although they are not due or have just failed."
)
@click.option("--json", "as_json", is_flag=True, help="For programs: docs/issue.schema.json describes it.")
def issue(names: tuple[str, ...], dry_run: bool, force: bool, as_json: bool) -> None:
    """Have every certificate that is due, in one wave: those of [certificate."NAME"] and of the inventory
    in [issue], from the CA in [ca]. Exit code 10 if one of them could not be had.
    """
    if force and not names:
        raise click.UsageError("--force wants the NAMEs that it is for")
    run = _run()
    report = run.plan(names, force=force) if dry_run else run.issue(names, force=force)
    if as_json:
        output.document(_document(report))
    else:
        _show(report, everything=dry_run)
    if not report.all_well:
        raise AcmeError("not every certificate could be had", "why is above, and in `dns01 audit --failed`")


def _run() -> IssueRun | FleetRun:
    try:
        from ..issue.issue_run import IssueRun
    except ModuleNotFoundError as error:
        if error.name not in ("acme", "josepy"):
            raise
        raise ConfigError(
            f"orders need the package {error.name}", "pip install 'dns01-hook[issue]' brings it"
        ) from None
    from ..issue.fleet.section import load_fleet

    section = load_fleet(os.environ)
    if section is None:
        return IssueRun(os.environ)
    try:
        from ..issue.fleet.fleet_run import FleetRun
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise ConfigError(
            "[fleet] needs the package psycopg", "pip install 'dns01-hook[fleet]' brings it"
        ) from None
    return FleetRun(os.environ, section)


def _show(report: Report, *, everything: bool) -> None:
    for rejected in report.rejected:
        output.report(f"left out: {rejected.where}: {rejected.message}")
        output.report(f"   -> {rejected.hint}")
    stages = {each.name: each for each in report.issuances}
    for each in report.planned:
        if done := stages.get(each.wanted.name):
            why = f": {done.error}" if done.error else ""
            output.report(f"{each.wanted.name}: {done.stage}{why}")
        elif everything or each.verdict in ("back-off", "limit", "set aside"):
            when = f" {UNTIL[each.verdict]} {_time(each.at)}" if each.verdict in UNTIL else ""
            output.report(f"{each.wanted.name}: {WORDS[each.verdict]}{when}: {each.reason}")
    for row in report.delivered:
        output.report(f"{row['name']} → {row['target'] or 'its targets'}: {row['error'] or 'done'}")
    counted = Counter(
        done.stage if (done := stages.get(each.wanted.name)) else WORDS[each.verdict]
        for each in report.planned
    )
    summary = [f"{count} {outcome}" for outcome, count in counted.items()]
    count = len(report.planned)
    output.report(
        f"{count} certificate{'' if count == 1 else 's'}: {', '.join(summary) or 'none is configured'}"
    )


def _document(report: Report) -> dict[str, Any]:
    """The same for programs: docs/issue.schema.json describes it."""
    from ..issue.wave.audit_entry import certificates

    return {
        "version": VERSION,
        "certificates": [
            {
                "name": each.wanted.name,
                "names": list(each.wanted.names),
                "verdict": each.verdict,
                "reason": each.reason,
                "at": iso(each.at) if each.at else None,
                "replaces": each.replaces,
            }
            for each in report.planned
        ],
        "rejected": [each._asdict() for each in report.rejected],
        "issued": [
            {**each, "at": {stage: iso(seconds) for stage, seconds in each["at"].items()}}
            for each in certificates(report)
        ],
        "deployed": list(report.delivered),
    }


def _time(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M} UTC"
