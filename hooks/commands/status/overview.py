"""How everything stands: each certificate, where it was brought, what is shown there, what is open.

Whatever is wrong is a ``Problem``; the gravest one is the state of it all.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ....errors import StateError
from ...clients.ca_rate_limits import ends, limit
from ...clients.detection import CLIENTS
from ...deploy.ledger import Delivery
from ...issue.planning.renewal_windows import RenewalWindow
from ...notify.state_changes import deployment_subject, record_subject, stays_open
from ...state.atomic import iso
from ...state.audit.files import FILE
from ...state.audit.reader import recent
from ...state.folder import state_dir
from ...state.journal import Entry, Journal, giving_up
from ...state.liveness import ABANDONED
from . import services
from .expiry import Level, Limits, Problem, expiry, issuer_expiry, span, worst
from .inventory import Destination, Known, take
from .services import Shown, Wanted
from .windows import overdue, windows

LIMITED = timedelta(days=1)  # that a limit is spoken of, where the CA has not said when it ends
PUBLISHING = {*(client.publishes for client in CLIENTS), "publish"}


class Standing(NamedTuple):
    """A certificate, what each service of its destinations shows, and what is wrong with it."""

    known: Known
    shown: Mapping[str, Shown]
    problems: tuple[Problem, ...]
    window: RenewalWindow | None = None


class Overview(NamedTuple):
    """``probed``: what the services show that were asked for by hand. ``problems``: those that are
    no certificate's. ``trail``: the newest records of the audit trail, oldest first."""

    at: datetime
    certificates: tuple[Standing, ...]  # the most urgent first
    probed: Mapping[str, Shown]
    entries: tuple[Entry, ...]
    trail: tuple[Mapping[str, Any], ...]
    problems: tuple[Problem, ...]

    @property
    def last(self) -> Mapping[str, Any] | None:
        """The newest record of the audit trail."""
        return self.trail[-1] if self.trail else None

    @property
    def every_problem(self) -> list[Problem]:
        """All problems, the gravest first."""
        found = [*(problem for each in self.certificates for problem in each.problems), *self.problems]
        return sorted(found, key=lambda problem: -problem.level.gravity)

    @property
    def level(self) -> Level:
        return worst(self.every_problem)


def survey(
    folders: Sequence[str],
    probes: Sequence[str],
    limits: Limits,
    environ: Mapping[str, str],
    now: datetime | None = None,
) -> Overview:
    """Look at it all; nothing is changed but what is kept of the CAs' renewal windows. ``folders``: as
    in ``inventory.take``. ``probes``: services, in the form that ``verify`` takes. ``now``: aware."""
    now = now or datetime.now(UTC)
    inventory = take(folders, environ)
    problems = [problem for problem in inventory.problems if not _is_of(problem, inventory.certificates)]
    entries, trail = _entries(environ, problems), _trail(environ, problems)
    wanted = [each for known in inventory.certificates for each in _wanted(known)]
    shown = services.look([*wanted, *map(Wanted, probes)])
    by_id = windows((known.leaf for known in inventory.certificates if known.leaf), environ, now)
    standings = []
    for known in inventory.certificates:
        window = by_id.get(known.leaf.renewal_id) if known.leaf else None
        seen = {each.service: shown[each] for each in _wanted(known)}
        own = [problem for problem in inventory.problems if problem.subject == _file(known)]
        own += _problems(known, seen, trail, limits, now)
        if late := overdue(known.path, known.name, window, environ, now):
            own.append(late)
        standings.append(Standing(known, seen, tuple(own), window))
    probed = {service: shown[Wanted(service)] for service in probes}
    ours = {known.leaf.fingerprint for known in inventory.certificates if known.leaf}
    for service in probed:
        problems += _of_probe(service, probed[service], ours, limits, now)
    if not standings and not probes and not problems:
        hint = "have the client issue one, or name the folder that holds it: dns01 status FOLDER"
        if not os.path.isdir(state := state_dir(environ)):
            hint += (
                f"; there is no state folder {state}: a client that runs as another user has its own, "
                "which DNS01_STATE_DIR names"
            )
        problems.append(Problem(Level.UNKNOWN, "certificates", "unknown", "no certificate is known", hint))
    problems += _of_limits(trail, now)
    problems += [_stays_open(entry, now) for entry in entries if stays_open(entry, now.timestamp())]
    return Overview(
        now,
        tuple(sorted(standings, key=_urgency)),
        probed,
        tuple(entries),
        tuple(trail),
        tuple(problems),
    )


def _urgency(standing: Standing) -> tuple[int, float, str]:
    leaf = standing.known.leaf
    return (
        -worst(standing.problems).gravity,
        leaf.not_after.timestamp() if leaf else 0.0,
        standing.known.name,
    )


def _file(known: Known) -> str:
    return f"file {known.path}"


def _is_of(problem: Problem, certificates: Iterable[Known]) -> bool:
    return any(problem.subject == _file(known) for known in certificates)


# What can be read


def _entries(environ: Mapping[str, str], problems: list[Problem]) -> list[Entry]:
    try:
        journal = Journal(state_dir(environ))
        entries = journal.entries()
        for each in journal.corrupt():
            problems.append(Problem(Level.WARNING, f"file {each.path}", "corrupt", each.text, each.hint))
        return entries
    except StateError as error:
        problems.append(Problem(Level.UNKNOWN, "file journal", "unreadable", str(error), error.hint))
        return []


def _trail(environ: Mapping[str, str], problems: list[Problem]) -> list[dict[str, Any]]:
    try:
        return recent(os.path.join(state_dir(environ), FILE))
    except StateError as error:
        problems.append(Problem(Level.UNKNOWN, "file audit trail", "unreadable", str(error), error.hint))
        return []


def _wanted(known: Known) -> Iterator[Wanted]:
    for destination in known.destinations:
        if destination.service and known.leaf:
            yield Wanted(destination.service, known.leaf.fingerprint)


# What is wrong


def _problems(
    known: Known,
    shown: Mapping[str, Shown],
    trail: Sequence[Mapping[str, Any]],
    limits: Limits,
    now: datetime,
) -> Iterator[Problem]:
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
    destination: Destination, delivery: Delivery, alarm: timedelta, now: datetime
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


def _of_deployed(destination: Destination, known: Known) -> Iterator[Problem]:
    there = destination.deployed
    if there and known.leaf and there.fingerprint != known.leaf.fingerprint:
        text = f"{there.title} has an older certificate than there is{_careful(destination)}"
        hint = f"see that the client calls its hook for deployments; `dns01 deploy {known.name}` brings it"
        yield Problem(Level.WARNING, deployment_subject(*there.key), "outdated", text, hint)
    elif there and known.leaf and destination.lost:
        more = f", and {len(destination.lost) - 1} more" if len(destination.lost) > 1 else ""
        text = f"{there.title}: {destination.lost[0]}{more}"
        hint = f"see who has changed it; `dns01 deploy {known.name}` brings it there again"
        yield Problem(Level.WARNING, deployment_subject(*there.key), "lost", text, hint)


def _careful(destination: Destination) -> str:
    return "".join(f"; careful: {line}" for line in destination.differences)


def _of_service(
    destination: Destination, known: Known, shown: Shown, limits: Limits, now: datetime
) -> Iterator[Problem]:
    """What is pending or outdated is said already; an old certificate that expires is not."""
    assert known.leaf
    subject = f"service {destination.service} {known.path}"
    if shown.leaf is None:
        yield Problem(Level.WARNING, subject, "unreachable", shown.error, "see that the service runs")
    elif not shown.matches:
        title = f"the certificate that {destination.service} shows"
        there = destination.deployed
        current = not destination.pending and there and there.fingerprint == known.leaf.fingerprint
        if ends := expiry(subject, title, shown.leaf, limits, now):
            yield ends
        elif current:
            hint = "see that the service was reloaded, and which files its configuration names"
            yield Problem(Level.WARNING, subject, "other-certificate", shown.error, hint)


def _of_probe(service: str, shown: Shown, ours: set[str], limits: Limits, now: datetime) -> Iterator[Problem]:
    subject = f"service {service}"
    if shown.leaf is None:
        yield Problem(Level.WARNING, subject, "unreachable", shown.error, "see that the service runs")
    elif ends := expiry(subject, f"the certificate that {service} shows", shown.leaf, limits, now):
        yield ends
    elif ours and shown.leaf.fingerprint not in ours:
        text = f"{service} shows a certificate for {', '.join(shown.leaf.names)} that is none of those known"
        hint = "see that the service was reloaded, and which files its configuration names"
        yield Problem(Level.WARNING, subject, "other-certificate", text, hint)


def _of_limits(trail: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[Problem]:
    """The newest limit of the CA's, unless it is over or a certificate has been had since."""
    for record in reversed(trail):
        certificates = record.get("certificates", ())
        said = [each.get(key, "") for each in (record, *certificates) for key in ("problem", "error")]
        problem = next((text for text in map(str, said) if limit(text)), "")
        if problem:
            end = ends(problem) or datetime.fromisoformat(record["time"]) + LIMITED
            if end > now:
                text = f"the CA limits orders: {problem}"
                yield Problem(Level.WARNING, "limit", "rate-limited", text, limit(problem))
            return
        if record.get("phase") == "deploy_cert" or any(row.get("stage") == "issued" for row in certificates):
            return


def _stays_open(entry: Entry, now: datetime) -> Problem:
    age = span(timedelta(seconds=now.timestamp() - entry.opened))
    text = f"{entry.target} is not taken back since {age}: {entry.error}"
    hint = f"`dns01 sweep` tries again, `{giving_up(entry)}` gives it up"
    return Problem(Level.WARNING, record_subject(entry), "not-cleaned-up", text, hint)
