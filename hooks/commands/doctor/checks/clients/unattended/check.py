"""All that is looked at where the clock runs a client: its variables, its user, its sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .......errors import StateError
from ......clients.setup.units import drop_in
from ......clients.setup.users import is_known
from ....finding import Examined, Finding, Severity
from . import proxies, sandbox, sudo_password, user_access, variables
from .runs import Run, needs, user_of


def check(examined: Examined, runs: Iterable[Run]) -> Iterator[Finding]:
    """What two of them have in common is said once."""
    yield from dict.fromkeys(finding for run in runs for finding in _run(examined, run))


def _without_sudo(run: Run) -> Iterator[Finding]:
    """dehydrated goes on as its DEHYDRATED_USER by sudo, which a unit may forbid (systemd.exec(5))."""
    if run.unit and run.chosen and run.unit.is_on("Service.NoNewPrivileges"):
        message = (
            f"DEHYDRATED_USER is {run.user}, and {run.unit.name} lets nobody become that (NoNewPrivileges)"
        )
        steps = (drop_in(run.unit.name, "NoNewPrivileges=no"), f"or have the unit run it: User={run.user}")
        yield Finding("sandbox-no-sudo", Severity.ERROR, run.unit.files[0], message, steps)


def _run(examined: Examined, run: Run) -> Iterator[Finding]:
    yield from variables.check(examined, run)
    yield from proxies.check(examined, run)
    if password := list(sudo_password.check(examined, run)):
        yield from password  # which nobody gives, or no sudo: the client is not begun
        return
    user = user_of(run, examined.root)
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
        yield from _without_sudo(run)
        yield from sandbox.check(examined, run.unit, needed, run.environ)
    if user is None or user.uid == 0:
        return
    of_client = [need for need in needed if need.path in run.folders]
    by_table = not (run.unit or run.chosen or run.switches)  # rather than by somebody's choice for the client
    if by_table and (wrong_user := user_access.of_another(examined, run, user, of_client)):
        yield wrong_user
        return
    for need in needed:
        yield from user_access.check(examined, run, user, need)
