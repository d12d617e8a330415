"""How everything stands: each certificate, where it was brought, what is shown there, what is open.

Whatever is wrong is a ``Problem``; the gravest one is the state of it all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ....errors import StateError
from ...issue.planning.renewal_windows import RenewalWindow
from ...notify.state_changes import stays_open
from ...state.audit.files import FILE
from ...state.audit.reader import recent
from ...state.folder import state_dir
from ...state.journal import Entry, Journal
from . import services
from .expiry import Level, Limits, Problem, worst
from .inventory import Known, find_certificates
from .problems import open_record, problems_of, problems_of_probe, rate_limits
from .services import ServedCertificate, Wanted
from .windows import overdue, windows


class Standing(NamedTuple):
    """A certificate, what each service of its destinations shows, and what is wrong with it."""

    known: Known
    shown: Mapping[str, ServedCertificate]
    problems: tuple[Problem, ...]
    window: RenewalWindow | None = None


class Overview(NamedTuple):
    """The state of everything at one moment. ``probed``: what the services show that were asked for by hand.
    ``problems``: those that are no certificate's. ``trail``: the newest records of the audit trail, oldest
    first."""

    at: datetime
    certificates: tuple[Standing, ...]  # the most urgent first
    probed: Mapping[str, ServedCertificate]
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
        """The gravest level of all problems."""
        return worst(self.every_problem)


def read_overview(
    folders: Sequence[str],
    probes: Sequence[str],
    limits: Limits,
    environ: Mapping[str, str],
    now: datetime | None = None,
) -> Overview:
    """Look at it all; nothing is changed but what is kept of the CAs' renewal windows. ``folders``: as
    in ``inventory.find_certificates``. ``probes``: services, in the form that ``verify`` takes. ``now``:
    aware."""
    now = now or datetime.now(UTC)
    inventory = find_certificates(folders, environ)
    problems = [problem for problem in inventory.problems if not _is_of(problem, inventory.certificates)]
    (entries, of_journal), (trail, of_trail) = _entries(environ), _trail(environ)
    problems += of_journal + of_trail
    wanted = [each for known in inventory.certificates for each in _wanted(known)]
    shown = services.served_certificates([*wanted, *map(Wanted, probes)])
    by_id = windows((known.leaf for known in inventory.certificates if known.leaf), environ, now)
    standings = []
    for known in inventory.certificates:
        window = by_id.get(known.leaf.renewal_id) if known.leaf else None
        seen = {each.service: shown[each] for each in _wanted(known)}
        own = [problem for problem in inventory.problems if problem.subject == _file(known)]
        own += problems_of(known, seen, trail, limits, now)
        if late := overdue(known.path, known.name, window, environ, now):
            own.append(late)
        standings.append(Standing(known, seen, tuple(own), window))
    probed = {service: shown[Wanted(service)] for service in probes}
    ours = {known.leaf.fingerprint for known in inventory.certificates if known.leaf}
    for service in probed:
        problems += problems_of_probe(service, probed[service], ours, limits, now)
    if not standings and not probes and not problems:
        hint = "have the client issue one, or name the folder that holds it: dns01 status FOLDER"
        if not os.path.isdir(state := state_dir(environ)):
            hint += (
                f"; there is no state folder {state}: a client that runs as another user has its own, "
                "which DNS01_STATE_DIR names"
            )
        problems.append(Problem(Level.UNKNOWN, "certificates", "unknown", "no certificate is known", hint))
    problems += rate_limits(trail, now)
    problems += [open_record(entry, now) for entry in entries if stays_open(entry, now.timestamp())]
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


def _entries(environ: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    try:
        journal = Journal(state_dir(environ))
        entries, corrupt = journal.entries(), journal.corrupt()
    except StateError as error:
        return [], [Problem(Level.UNKNOWN, "file journal", "unreadable", str(error), error.hint)]
    return entries, [
        Problem(Level.WARNING, f"file {each.path}", "corrupt", each.text, each.hint) for each in corrupt
    ]


def _trail(environ: Mapping[str, str]) -> tuple[list[dict[str, Any]], list[Problem]]:
    try:
        return recent(os.path.join(state_dir(environ), FILE)), []
    except StateError as error:
        return [], [Problem(Level.UNKNOWN, "file audit trail", "unreadable", str(error), error.hint)]


def _wanted(known: Known) -> Iterator[Wanted]:
    for destination in known.destinations:
        if destination.service and known.leaf:
            yield Wanted(destination.service, known.leaf.fingerprint)
