"""Whether the user whom a client runs as gets at what it needs, by the modes of files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from .......errors import StateError
from ......clients.setup.sandbox import WRITE
from ......clients.setup.units import drop_in
from ......clients.setup.users import User, barriers
from ......state.folder import state_dir
from ....finding import Examined, Finding, Severity
from .runs import CONFIGURATION, DYNAMIC, HOOK, STATE, Need, Run


def check(examined: Examined, run: Run, user: User, need: Need) -> Iterator[Finding]:
    """What systemd makes for the unit is the user's."""
    if run.unit and need.path in run.unit.directories("StateDirectory"):
        return
    wanted = os.W_OK | os.X_OK if need.use == WRITE else os.R_OK
    wanted |= os.X_OK if need.what == HOOK else 0
    barred = list(barriers(need.path, user, wanted, examined.root))
    if not barred and need.what == STATE and _owner(examined, need.path) not in (None, user.uid):
        barred = [need.path]
    if barred:
        closed = barred[0]
        writes = need.use == WRITE
        verb = "write to" if writes else "run" if need.what == HOOK else "read"
        code = "user-may-not-write" if writes else "user-may-not-read"
        message = f"{run.client} runs as {user.name}, who may not {verb} {need.path}, {need.what}"
        message += f", as {closed} is closed" if closed != need.path else ""
        opened = dict.fromkeys(step for each in barred for step in _opened(run, user, need, each))
        steps = (*opened, run.as_root(), *_state_of_root(examined, run))
        yield Finding(code, Severity.ERROR, run.source, message, steps)


def of_another(examined: Examined, run: Run, user: User, folders: Sequence[Need]) -> Finding | None:
    """That all is root's which the client writes to: cron has the wrong user run it, and whatever else that
    user lacks follows from it. ``folders``: those of the client."""
    present = [need.path for need in folders if _owner(examined, need.path) is not None]
    barred = [path for path in present if any(barriers(path, user, os.W_OK | os.X_OK, examined.root))]
    if (
        not barred
        or barred != present
        or any(_owner(examined, path) != _owner(examined, "/") for path in barred)
    ):
        return None
    message = f"{run.client} runs as {user.name}, who may write to nothing of it: {', '.join(barred)}"
    steps = (
        run.as_root().removeprefix("or "),
        f"or give {user.name} all of it: chown -R {user.name}: {' '.join(barred)}",
    )
    return Finding("user-may-not-write", Severity.ERROR, run.source, message, steps)


def _state_of_root(examined: Examined, run: Run) -> Iterator[str]:
    """The step that goes with having root run it, where another user has its state folder."""
    with suppress(StateError):
        folder = state_dir(run.environ, 0)
        made = run.unit.directories("StateDirectory") if run.unit else ()  # which systemd makes root's
        if folder not in made and _owner(examined, folder) not in (None, _owner(examined, "/")):
            yield f"where root runs it, also: chown -R root: {folder}"


def _owner(examined: Examined, path: str) -> int | None:
    try:
        return os.stat(examined.path(path)).st_uid
    except OSError:
        return None


def _opened(run: Run, user: User, need: Need, closed: str) -> Iterator[str]:
    """The steps that give the user what is needed."""
    if need.what == STATE and run.unit:
        yield drop_in(run.unit.name, "StateDirectory=dns01", "StateDirectoryMode=0700")
    elif user is DYNAMIC:
        yield "write LoadCredential= into the unit, and { credential = … } into the configuration"
    elif need.use == WRITE:
        make = f"install -d -m 700 -o {user.name}" if closed != need.path else f"chown -R {user.name}:"
        yield f"{make} {need.path}"
    elif closed == need.path and need.what == CONFIGURATION:
        open_to = f"chgrp {user.name} {need.path}; chmod 640 {need.path}"
        yield f"{open_to}  (its secrets: in files of {user.name}'s)"
    elif closed == need.path and need.what != HOOK:
        yield f"chown {user.name} {need.path}"
    elif closed in ("/root", "/home") or os.path.dirname(closed) == "/home":
        yield f"put {need.what} where {user.name} gets to it, in /opt or /etc for example"
    else:
        yield f"chmod o+{'x' if closed != need.path else 'rx'} {closed}"
