"""What ``dns01 status --notify`` tells: above all that a certificate is about to expire.

A call of an ACME client sees no other certificate than its own; a timer that runs this once a day
sees them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...notify import state_changes
from ...notify.section import receivers_to_tell
from ...notify.state_changes import SubjectState, deployment_subject
from .expiry import Problem, expiry, reminding
from .overview import Overview, Standing
from .windows import renewal_subject


def remind(overview: Overview, environ: Mapping[str, str]) -> None:
    """Tell those in [notify] what has changed. What goes wrong is a warning."""
    if (receivers := receivers_to_tell(environ)) is None:
        return
    seen = {each.subject: each for each in _well(overview, environ)}
    for standing in overview.certificates:
        for problem in _problems(standing, overview, receivers.expiry):
            seen[problem.subject] = _observed(problem, standing.known.name)
    for problem in overview.problems:
        seen[problem.subject] = _observed(problem, problem.subject)
    state_changes.tell(seen.values(), environ, at_once=True)


def _problems(standing: Standing, overview: Overview, days: float | None) -> Iterator[Problem]:
    """Without what the phases tell themselves; and with the expiry as it is wanted."""
    known = standing.known
    for problem in standing.problems:
        own = problem.subject == f"expiry {known.path}" and days is not None
        if not own and problem.code != "renewal-failed":
            yield problem
    if known.leaf and days is not None:
        limits = reminding(days, known.leaf)
        if found := expiry(f"expiry {known.path}", known.name, known.leaf, limits, overview.at):
            yield found


def _well(overview: Overview, environ: Mapping[str, str]) -> Iterator[SubjectState]:
    """All that was looked at, as if nothing were wrong with it."""
    for standing in overview.certificates:
        known = standing.known
        yield SubjectState(f"file {known.path}", known.name)
        if known.leaf:
            yield SubjectState(f"expiry {known.path}", known.name)
            yield SubjectState(f"issuer {known.path}", known.name)
            yield SubjectState(renewal_subject(known.path), known.name)
        for each in known.destinations:
            if each.deployed and not each.pending:
                yield SubjectState(deployment_subject(*each.deployed.key), known.name)
        for service in standing.shown:
            yield SubjectState(f"service {service} {known.path}", known.name)
    for service in overview.probed:
        yield SubjectState(f"service {service}", service)
    for subject in state_changes.notified(environ):
        if subject.startswith(("record ", "file ")):
            yield SubjectState(subject, subject)


def _observed(problem: Problem, title: str) -> SubjectState:
    return SubjectState(problem.subject, title, problem.code, problem.text, problem.hint)
