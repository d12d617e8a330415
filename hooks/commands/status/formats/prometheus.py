"""The metrics of ``dns01 status --prometheus FILE``, for node_exporter's textfile collector.

In Prometheus' text exposition format 0.0.4. ``METRICS`` is where each name is explained.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ....state.journal import RETRACT
from ..expiry import worst
from ..inventory import Known
from ..overview import Overview

METRICS = {  # name: what it says; all are gauges
    "dns01_state": "State of everything: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
    "dns01_certificate_state": "State of a certificate, in the figures of dns01_state.",
    "dns01_certificate_not_before_seconds": "From when on a certificate is valid, in epoch seconds.",
    "dns01_certificate_not_after_seconds": "When a certificate expires, in epoch seconds.",
    "dns01_deployment_pending": "1 while a certificate is still to be brought to a target, else 0.",
    "dns01_deployment_failing": "1 if the last try to bring a certificate to a target has failed, else 0.",
    "dns01_deployment_timestamp_seconds": "When a certificate was last brought to a target.",
    "dns01_service_matches": "1 if a service shows the certificate that it ought to, else 0.",
    "dns01_service_not_after_seconds": "When the certificate that a service shows expires.",
    "dns01_open_records": "Challenge records that are published, or still to be taken back.",
    "dns01_open_records_failing": "Those of them that could not be taken back so far.",
    "dns01_last_run_timestamp_seconds": "When the last call of the hook ended.",
    "dns01_last_run_duration_seconds": "What the steps of that call took.",
    "dns01_last_run_failed": "1 if that call failed, else 0.",
}

Sample = tuple[str, dict[str, str], float]


def text(overview: Overview) -> str:
    """The file's text: each metric's samples together beneath its explanation."""
    samples: dict[str, list[str]] = defaultdict(list)
    for name, labels, figure in _samples(overview):
        pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
        samples[name].append(f"{name}{{{pairs}}} {figure!r}" if pairs else f"{name} {figure!r}")
    lines = []
    for name, explanation in METRICS.items():
        if name in samples:
            lines += [f"# HELP {name} {explanation}", f"# TYPE {name} gauge", *samples[name]]
    return "\n".join([*lines, ""])


def _samples(overview: Overview) -> Iterator[Sample]:
    yield "dns01_state", {}, overview.level.value
    for standing in overview.certificates:
        known = standing.known
        labels = {"name": known.name, "path": known.path}
        yield "dns01_certificate_state", labels, worst(standing.problems).value
        if known.leaf:
            about = {**labels, "issuer": known.leaf.issuer, "key_type": known.leaf.key_type}
            yield "dns01_certificate_not_before_seconds", labels, known.leaf.not_before.timestamp()
            yield "dns01_certificate_not_after_seconds", about, known.leaf.not_after.timestamp()
        yield from _of_deployments(known)
        for service, shown in standing.shown.items():
            where = {**labels, "service": service}
            yield "dns01_service_matches", where, int(shown.matches)
            if shown.leaf:
                yield "dns01_service_not_after_seconds", where, shown.leaf.not_after.timestamp()
    for service, shown in overview.probed.items():
        if shown.leaf:
            where = {"name": "", "path": "", "service": service}
            yield "dns01_service_not_after_seconds", where, shown.leaf.not_after.timestamp()
    yield "dns01_open_records", {}, len(overview.entries)
    yield "dns01_open_records_failing", {}, sum(1 for entry in overview.entries if entry.state == RETRACT)
    if overview.last:
        yield from _of_last(overview.last)


def _of_deployments(known: Known) -> Iterator[Sample]:
    for each in known.destinations:
        if not (each.deployed or each.pending):
            continue
        labels = {"name": known.name, "section": each.section, "target": each.target}
        yield "dns01_deployment_pending", labels, int(each.pending is not None)
        yield "dns01_deployment_failing", labels, int(bool(each.pending and each.pending.error))
        if each.deployed:
            yield "dns01_deployment_timestamp_seconds", labels, each.deployed.since


def _of_last(record: Mapping[str, Any]) -> Iterator[Sample]:
    yield "dns01_last_run_timestamp_seconds", {}, datetime.fromisoformat(record["time"]).timestamp()
    yield "dns01_last_run_duration_seconds", {}, float(sum(record.get("steps", {}).values()))
    yield "dns01_last_run_failed", {}, int(record.get("outcome") == "failed")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
