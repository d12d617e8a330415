"""What ``dns01 status --json`` writes: docs/status.schema.json describes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .....secret import redact
from ....deploy.certificate.leaf import Leaf
from ....deploy.delivery.ledger import Delivery
from ....issue.planning.renewal_windows import RenewalWindow
from ....state.atomic import iso
from ...document import record
from ..expiry import Problem, worst
from ..inventory import CertificateTarget
from ..overview import Overview, Standing
from ..services import ServedCertificate
from .table import summary

VERSION = 1


def document(overview: Overview) -> dict[str, Any]:
    """The overview as JSON has it."""
    return {
        "version": VERSION,
        "state": overview.level.name.lower(),
        "summary": summary(overview),
        "checked": iso(overview.at.timestamp()),
        "certificates": [_certificate(standing, overview.at) for standing in overview.certificates],
        "probes": [_shown(service, shown) for service, shown in overview.probed.items()],
        "open_records": [record(entry) for entry in overview.entries],
        "last_run": _last_run(overview.last) if overview.last else None,
        "problems": [_problem(problem) for problem in overview.problems],
    }


def _certificate(standing: Standing, now: datetime) -> dict[str, Any]:
    known, leaf = standing.known, standing.known.leaf
    return {
        "name": known.name,
        "path": known.path,
        "state": worst(standing.problems).name.lower(),
        "leaf": _leaf(leaf) if leaf else None,
        "days_left": round((leaf.not_after - now).total_seconds() / 86400, 2) if leaf else None,
        "renewal_window": _window(standing.window) if standing.window else None,
        "deployments": [_destination(each, standing.shown) for each in known.destinations],
        "problems": [_problem(problem) for problem in standing.problems],
    }


def _window(window: RenewalWindow) -> dict[str, Any] | None:
    if not window.chosen:  # the CA has not said anything yet
        return None
    return {
        "start": iso(window.start),
        "end": iso(window.end),
        "chosen": iso(window.chosen),
        "explanation": window.explanation,
    }


def _leaf(leaf: Leaf) -> dict[str, Any]:
    return {
        "names": list(leaf.names),
        "issuer": leaf.issuer,
        "not_before": iso(leaf.not_before.timestamp()),
        "not_after": iso(leaf.not_after.timestamp()),
        "key_type": leaf.key_type,
        "fingerprint": leaf.fingerprint,
    }


def _destination(destination: CertificateTarget, shown: Mapping[str, ServedCertificate]) -> dict[str, Any]:
    deployed, pending = destination.deployed, destination.pending
    service = destination.service
    return {
        "target": destination.target,
        "section": destination.section,
        "deployed": iso(deployed.since) if deployed else None,
        "fingerprint": deployed.fingerprint if deployed else None,
        "pending": _pending(pending) if pending else None,
        "differences": list(destination.differences),
        "live": _shown(service, shown[service]) if service in shown else None,
    }


def _pending(delivery: Delivery) -> dict[str, Any]:
    return {"since": iso(delivery.since), "tries": delivery.tries, "error": redact(delivery.error)}


def _shown(service: str, shown: ServedCertificate) -> dict[str, Any]:
    verdict = "matches" if shown.matches else "unreachable" if shown.leaf is None else "other"
    return {
        "service": service,
        "verdict": verdict,
        "leaf": _leaf(shown.leaf) if shown.leaf else None,
        "error": redact(shown.error),
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "state": problem.level.name.lower(),
        "message": redact(problem.text),
        "remedy": redact(problem.hint),
    }


def _last_run(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "time": record["time"],
        "client": str(record.get("client", "")),
        "phase": str(record.get("phase", "")),
        "names": [str(name) for name in record.get("names", ())],
        "outcome": str(record.get("outcome", "")),
        "steps": {str(step): float(seconds) for step, seconds in record.get("steps", {}).items()},
    }
