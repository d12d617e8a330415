"""sudo asks for a password, and where the clock runs it nobody is there to give one."""

from __future__ import annotations

from collections.abc import Iterator

from ......clients.setup.sudoers import FILE, asks_for_password
from ......clients.setup.users import find_user
from ....finding import Examined, Finding, Severity
from .runs import Run


def check(examined: Examined, run: Run) -> Iterator[Finding]:
    """The first sudo in the command that does, by what /etc/sudoers says of who runs it."""
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
    return f"or write the line into {user}'s crontab, without sudo: crontab -u {user} -e"
