"""One wave in the audit trail, as one run with the time of each step, and those told who want to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...challenge.publisher import Records
from ...notify import state_changes
from ...notify.state_changes import SubjectState
from ...state.audit.record import Steps
from ...state.audit.trail import Trail
from ...state.journal import Entry
from ..report import Report


def leave(
    report: Report,
    records: Records | None,
    steps: Steps,
    environ: Mapping[str, str],
    error: BaseException | None,
) -> None:
    """Write the record, where there was anything to be done, and notify; never fails for a receiver."""
    if not (report.issuances or report.delivered or report.rejected or error):
        return
    failures = _failures(report)
    trail = Trail.of(environ)
    raised = f"{type(error).__name__}: {error}" if error else ""
    trail.write(
        {
            "client": "dns01",
            "phase": "issue",
            "names": list(dict.fromkeys(name for each in report.issuances for name in each.wanted.names)),
            "published": [_place(entry) for entry in records.published] if records else [],
            "retracted": [_place(entry) for entry in records.retracted] if records else [],
            "deployed": list(report.delivered),
            "certificates": certificates(report),
            "steps": steps.seconds,
            "outcome": "failed" if failures or raised else "ok",
            "error": raised or "; ".join(failures.values()),
        }
    )
    if error is None or isinstance(error, Exception):  # a signal leaves no time for it
        state_changes.tell([*_observations(report, failures)], environ)


def certificates(report: Report) -> list[dict[str, Any]]:
    """How far each certificate of the wave has come, and when (epoch seconds)."""
    return [
        {
            "name": each.name,
            "names": list(each.wanted.names),
            "stage": each.stage,
            "at": each.seconds,
            "order": each.kept.order or (each.order.url if each.order else ""),
            "error": str(each.error) if each.error else "",
        }
        for each in report.issuances
    ]


def _failures(report: Report) -> dict[str, str]:
    failed = {each.name: str(each.error) for each in report.issuances if each.stage == "failed"}
    aside = {each.wanted.name: each.reason for each in report.planned if each.verdict == "set aside"}
    undelivered = {
        f"{row['name']} → {row['target']}": row["error"] for row in report.delivered if row["error"]
    }
    rejected = {each.where: f"{each.where}: {each.message}" for each in report.rejected}
    return {**rejected, **aside, **failed, **undelivered}


def _observations(report: Report, failures: Mapping[str, str]) -> list[SubjectState]:
    seen = []
    waiting = {each.name for each in report.issuances if each.stage == "deferred"}
    for each in report.planned:
        name = each.wanted.name
        if (each.is_work and name not in waiting) or each.verdict == "set aside":
            failure = failures.get(name, "")
            text = f"{name} is not issued: {failure}" if failure else ""
            hint = "`dns01 issue --dry-run` says when it is tried again" if failure else ""
            seen.append(
                SubjectState(f"issue {name}", f"issue {name}", "failed" if failure else "", text, hint)
            )
    seen += [state_changes.of_target(row) for row in report.delivered]
    return seen


def _place(entry: Entry) -> dict[str, str]:
    row = entry._asdict()
    return {key: row[key] for key in ("name", "target", "zone", "account", "provider")}
