"""What is wrong: with a certificate, a service, the CA's limits, or a record that stays."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ...clients.ca_rate_limits import ends, limit
from ...clients.detection import CLIENTS
from ...deploy.delivery.ledger import Delivery
from ...notify.state_changes import deployment_subject, record_subject
from ...state.atomic import iso
from ...state.journal import Entry, giving_up
from ...state.liveness import ABANDONED
from .expiry import Level, Limits, Problem, expiry, issuer_expiry, span
from .inventory import CertificateTarget, Known
from .services import ServedCertificate

LIMITED = timedelta(days=1)  # that a limit is spoken of, where the CA has not said when it ends
NOT_RELOADED = "see that the service was reloaded, and which files its configuration names"
PUBLISHING = {*(client.publishes for client in CLIENTS), "publish"}


def problems_of(
    known: Known,
    shown: Mapping[str, ServedCertificate],
    trail: Sequence[Mapping[str, Any]],
    limits: Limits,
    now: datetime,
) -> Iterator[Problem]:
    """What is wrong with a certificate, at its destinations, and with its renewal. ``shown``: by service;
    ``trail``: the newest records of the audit trail, oldest first; ``now``: aware."""
    if known.leaf is None:
        return
    if found := expiry(f"expiry {known.path}", known.name, known.leaf, limits, now):
        yield found
    subject = f"issuer {known.path}"
    if known.issuer and (found := issuer_expiry(subject, known.name, known.leaf, known.issuer, limits, now)):
        yield found
    yield from _of_renewal(known, trail)
    alarm = limits.alarms(known.leaf)
    for destination in known.destinations:
        if destination.pending:
            yield from _of_pending(destination, destination.pending, alarm, now)
        else:
            yield from _of_deployed(destination, known)
        if destination.service:
            yield from _of_service(destination, known, shown[destination.service], limits, now)


def _of_renewal(known: Known, trail: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """The last publishing for one of its names, if that has failed since it was issued."""
    assert known.leaf
    names = {name.removeprefix("*.") for name in known.leaf.names}
    since = iso(known.leaf.not_before.timestamp())
    for record in reversed(trail):
        named = {str(name).lower().removeprefix("*.") for name in record.get("names", ())}
        if record["time"] < since:
            return
        if record.get("phase") == "issue" and named & names:
            yield from _of_wave(known, names, record)
            return
        if record.get("phase") in PUBLISHING and named & names:
            if record.get("outcome") == "failed":
                text = f"{known.name}: {record['phase']} failed: {record.get('error')}"
                hint = (
                    f"`dns01 audit --failed` shows when, `dns01 doctor {shlex.quote(min(named & names))}` why"
                )
                yield Problem(Level.WARNING, f"renewal {known.path}", "renewal-failed", text, hint)
            return


def _of_wave(known: Known, names: set[str], record: Mapping[str, Any]) -> Iterator[Problem]:
    """The same of a wave of ``dns01 issue``, in which others may have failed."""
    for row in record.get("certificates", ()):
        its = {str(name).lower().removeprefix("*.") for name in row.get("names", ())}
        if row.get("stage") == "failed" and its & names:
            text = f"{known.name}: dns01 issue failed: {row.get('error')}"
            hint = "`dns01 issue --dry-run` says when it is tried again"
            yield Problem(Level.WARNING, f"renewal {known.path}", "renewal-failed", text, hint)
            return


def _of_pending(
    destination: CertificateTarget, delivery: Delivery, alarm: timedelta, now: datetime
) -> Iterator[Problem]:
    """What fails is to be looked at, and what nobody tries again either; a run at work is no problem."""
    age = now.timestamp() - delivery.since
    if delivery.error or age > ABANDONED:
        level = Level.CRITICAL if age > alarm.total_seconds() else Level.WARNING
        since = f"for {span(timedelta(seconds=age))}"
        why = delivery.error or "nobody has concluded it"
        text = f"{delivery.title} is pending {since}: {why}{_careful(destination)}"
        subject = deployment_subject(*delivery.key)
        yield Problem(level, subject, "not-deployed", text, "`dns01 deploy` tries again")


def _of_deployed(destination: CertificateTarget, known: Known) -> Iterator[Problem]:
    deployed = destination.deployed
    if deployed and known.leaf and deployed.fingerprint != known.leaf.fingerprint:
        text = f"{deployed.title} has an older certificate than there is{_careful(destination)}"
        hint = f"see that the client calls its hook for deployments; `dns01 deploy {known.name}` brings it"
        yield Problem(Level.WARNING, deployment_subject(*deployed.key), "outdated", text, hint)
    elif deployed and known.leaf and destination.lost:
        more = f", and {len(destination.lost) - 1} more" if len(destination.lost) > 1 else ""
        text = f"{deployed.title}: {destination.lost[0]}{more}"
        hint = f"see who has changed it; `dns01 deploy {known.name}` brings it there again"
        yield Problem(Level.WARNING, deployment_subject(*deployed.key), "lost", text, hint)


def _careful(destination: CertificateTarget) -> str:
    return "".join(f"; careful: {line}" for line in destination.differences)


def _of_service(
    destination: CertificateTarget, known: Known, shown: ServedCertificate, limits: Limits, now: datetime
) -> Iterator[Problem]:
    """What is pending or outdated is said already; an old certificate that expires is not."""
    assert known.leaf
    subject = f"service {destination.service} {known.path}"
    if shown.leaf is None:
        yield Problem(Level.WARNING, subject, "unreachable", shown.error, "see that the service runs")
    elif not shown.matches:
        title = f"the certificate that {destination.service} shows"
        deployed = destination.deployed
        current = not destination.pending and deployed and deployed.fingerprint == known.leaf.fingerprint
        if ends := expiry(subject, title, shown.leaf, limits, now):
            yield ends
        elif current:
            yield Problem(Level.WARNING, subject, "other-certificate", shown.error, NOT_RELOADED)


def problems_of_probe(
    service: str, shown: ServedCertificate, ours: set[str], limits: Limits, now: datetime
) -> Iterator[Problem]:
    """What is wrong at a service that was named to be looked at; ``ours``: fingerprints that are known."""
    subject = f"service {service}"
    if shown.leaf is None:
        yield Problem(Level.WARNING, subject, "unreachable", shown.error, "see that the service runs")
    elif ends := expiry(subject, f"the certificate that {service} shows", shown.leaf, limits, now):
        yield ends
    elif ours and shown.leaf.fingerprint not in ours:
        text = f"{service} shows a certificate for {', '.join(shown.leaf.names)} that is none of those known"
        yield Problem(Level.WARNING, subject, "other-certificate", text, NOT_RELOADED)


def rate_limits(trail: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[Problem]:
    """The newest limit of the CA's, unless it is over or a certificate has been had since."""
    for record in reversed(trail):
        certificates = record.get("certificates", ())
        errors = [each.get(key, "") for each in (record, *certificates) for key in ("problem", "error")]
        problem = next((text for text in map(str, errors) if limit(text)), "")
        if problem:
            end = ends(problem) or datetime.fromisoformat(record["time"]) + LIMITED
            if end > now:
                text = f"the CA limits orders: {problem}"
                yield Problem(Level.WARNING, "limit", "rate-limited", text, limit(problem))
            return
        if record.get("phase") == "deploy_cert" or any(row.get("stage") == "issued" for row in certificates):
            return


def open_record(entry: Entry, now: datetime) -> Problem:
    """The problem that a record is, which was not taken back."""
    age = span(timedelta(seconds=now.timestamp() - entry.opened))
    text = f"{entry.target} is not taken back since {age}: {entry.error}"
    hint = f"`dns01 sweep` tries again, `{giving_up(entry)}` gives it up"
    return Problem(Level.WARNING, record_subject(entry), "not-cleaned-up", text, hint)
