"""All that is looked at where the clock runs a client: its variables, its user, its sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ......errors import StateError
from .....clients.setup.users import is_known
from ...finding import Examined, Finding, Severity
from . import sandbox, user_access, variables
from .runs import Run, needs, user_of


def check(examined: Examined, runs: Iterable[Run]) -> Iterator[Finding]:
    """What two of them have in common is said once."""
    yield from dict.fromkeys(finding for run in runs for finding in _run(examined, run))


def _run(examined: Examined, run: Run) -> Iterator[Finding]:
    yield from variables.check(examined, run)
    user = user_of(examined, run)
    if user is None and not is_known(run.user, examined.root):
        message = f"{run.client} is to run as {run.user}, and there is no such user"
        yield Finding("user-missing", Severity.ERROR, run.source, message, (run.as_root(),))
        return
    try:
        needed = [need for need in needs(examined, run, user) if "$" not in need.path]
    except StateError as error:
        yield Finding("state-unusable", Severity.ERROR, run.source, str(error), (error.hint,))
        return
    if run.unit:
        yield from sandbox.check(examined, run.unit, needed)
    if user is None or user.uid == 0:
        return
    for need in needed:
        yield from user_access.check(examined, run, user, need)
