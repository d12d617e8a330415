"""The one user whom all clients of this machine run as, where that is not the one who asks.

Root then looks at what that user's hook is given, and not at what its own would be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from .......errors import StateError
from ......clients.setup.dehydrated_config import read_config
from ......clients.setup.schedule.client_schedule import schedule_of
from ......clients.setup.schedule.command_line import programs
from ......clients.setup.schedule.systemd_jobs import service_line
from ......clients.setup.text_files import find
from ......clients.setup.users import User
from ......state.folder import state_dir
from ..certbot.lineage import RENEWAL
from .runs import DYNAMIC, Run, runs, state_of, user_of


class SoleUser(NamedTuple):
    """``state``: the folder of its state."""

    user: User
    state: str


def sole_user(environ: Mapping[str, str], root: str = "/") -> SoleUser | None:
    """None where nothing runs a client, or root does, or several users do, or the user is not known."""
    found = [(run, user_of(run, root)) for run in _runs(environ, root)]
    users = {user for _, user in found}
    user = next(iter(users)) if len(users) == 1 else None
    if user is None or user is DYNAMIC or user.uid in (0, os.geteuid()):
        return None
    state = state_dir({"HOME": user.home}, user.uid)
    with suppress(StateError):  # which is said of the run itself
        state = state_of(found[0][0], user)
    return SoleUser(user, state)


def _runs(environ: Mapping[str, str], root: str) -> Iterator[Run]:
    """Of the clients that are set up; the timer of Debian's certbot is there without any certificate, too."""
    config = read_config(environ, root)
    is_set_up = {
        "dehydrated": config is not None,
        "certbot": bool(find(f"{RENEWAL}/*.conf", root)),
        "lego": True,
        "uacme": True,
    }
    for client in (client for client, here in is_set_up.items() if here):
        lines = schedule_of(client, root).lines
        if not any(True for line in lines for _ in programs(line.command, client)):
            continue  # a word in some other command
        for run in runs(root, client, lines, "", {}):
            chosen = config.settings.get("DEHYDRATED_USER", "") if config and client == "dehydrated" else ""
            yield run._replace(user=chosen) if chosen and "$" not in chosen else run
    traefik = service_line("traefik.service", root)
    if traefik and "EXEC_PATH" in traefik.environ:
        yield from runs(root, "traefik", [traefik], "", {})
