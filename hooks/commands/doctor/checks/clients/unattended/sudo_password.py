"""sudo is not installed; or asks for a password, and where the clock runs it nobody is there to give one."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ......clients.setup.sudoers import FILE, asks_for_password
from ......clients.setup.users import find_user
from ....finding import Examined, Finding, Severity
from .runs import Run

FOLDERS = ("/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/usr/local/sbin", "/run/wrappers/bin")


def check(examined: Examined, run: Run) -> Iterator[Finding]:
    """Why the command does not get any further."""
    missing = list(_missing(examined, run))
    yield from missing or _password(examined, run)


def _missing(examined: Examined, run: Run) -> Iterator[Finding]:
    """By sudo dehydrated becomes its DEHYDRATED_USER, too; it ends without."""
    wanted = {each.program: each.user for each in run.switches if each.program in ("sudo", "doas")}
    if run.chosen:
        wanted = {"sudo": run.user}
    for program, user in wanted.items():
        if any(os.path.lexists(examined.path(f"{folder}/{program}")) for folder in FOLDERS):
            continue
        message = f"{run.client} is to run as {user} by {program}, which is not installed"
        if run.chosen:
            message = (
                f"DEHYDRATED_USER is {user}, and dehydrated becomes that by sudo, which is not installed"
            )
        steps = (f"apt-get install {program}", _without(run, user))
        yield Finding("sudo-missing", Severity.ERROR, run.chosen or run.source, message, steps)


def _password(examined: Examined, run: Run) -> Iterator[Finding]:
    """The first sudo in the command that asks, by what /etc/sudoers says of who runs it."""
    name = run.starter
    for switch in run.switches:
        user = find_user(name, examined.root)
        if (
            user
            and switch.is_plain_sudo
            and "$" not in switch.user
            and asks_for_password(user, switch.user, switch.command, examined.root)
        ):
            program = next((word for word in switch.command if "=" not in word), "")
            program = run.program if program == run.client and run.program else program
            message = (
                f"{user.name} runs {run.client} by sudo, which asks for {user.name}'s password, and nobody "
                f"is there to give it: {FILE} has no rule with NOPASSWD for that"
            )
            rule = f"{user.name} ALL=({switch.user}) NOPASSWD: {program}"
            path = program if program.startswith("/") else f"(its whole path: command -v {program})"
            steps = (
                f"visudo -f {FILE}.d/{user.name}\n{rule}{'' if program == path else '  ' + path}",
                _without(run, switch.user),
            )
            yield Finding("sudo-asks-password", Severity.ERROR, run.source, message, steps)
            return
        name = switch.user


def _without(run: Run, user: str) -> str:
    if run.unit:
        return f"or have {run.unit.name} run it as {user}, without sudo: User={user}"
    if run.source == run.chosen:  # which nothing runs by the clock yet
        return f"or take DEHYDRATED_USER out of {run.chosen}, and run dehydrated as {user}"
    return f"or write the line into {user}'s crontab, without sudo: crontab -u {user} -e"
