"""Whether anything has a client renew: timers, cron, and what keeps either from it.

What is there to have it renew, and never does, is an error; where nothing is, it may be done by hand, or from
elsewhere, and that is a warning.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence

from .....clients.setup.schedule.client_schedule import Schedule, has_cron
from .....clients.setup.schedule.cron_faults import daily
from .....clients.setup.schedule.crontab import CronEntry
from ...finding import Finding, Severity


def check(client: str, schedule: Schedule, root: str, steps: Sequence[str] = ()) -> Iterator[Finding]:
    """``steps``: what has it run, where that is more than a line that is the same everywhere."""
    if schedule.commands:
        return
    if schedule.masked:
        timer = schedule.masked[0]
        message = f"the timer {timer} is masked: nothing renews the certificate"
        unmask = (f"systemctl unmask {timer}", f"systemctl enable --now {timer}")
        yield Finding("timer-masked", _kept_from_it(), client, message, unmask)
        return
    if schedule.ignored:
        entry = schedule.ignored[0]
        message = f"what is to run {client} does not, and nothing renews the certificate: {entry.ignored}"
        yield Finding(_code(entry), _kept_from_it(), entry.path, message, (entry.remedy,))
        return
    install = [] if has_cron(root) else ["apt-get install cron"]
    steps = steps or (f"write in /etc/cron.d/{client}: 17 4 * * * root {daily(client, root)}",)
    nothing = f"no enabled systemd timer and no cron entry runs {client}"
    if schedule.without_cron:
        path = schedule.without_cron[0].path
        nothing = f"no enabled systemd timer runs {client}, and no cron is installed that would go by {path}"
        steps = ()
    enable = [f"systemctl enable --now {timer}" for timer in schedule.idle]
    yield Finding(
        "no-timer",
        Severity.WARNING,
        client,
        f"{nothing}: nothing renews the certificate"
        + ("" if _sees_all() else " (crontabs of other users cannot be read: ask again as root)"),
        tuple(enable or (*install, *steps)),
    )


def in_containers(client: str, schedule: Schedule, said: Collection[str]) -> Iterator[Finding]:
    """Containers that nothing gets into to run the client: what certificates it has there is not known, and
    whether the domain is among them. ``said``: the files that are reported about already."""
    ignored = (entry for entry in schedule.ignored if entry.contained and entry.path not in said)
    for entry in () if schedule.commands else ignored:
        message = f"what is to run {client} in a container does not: {entry.ignored}"
        yield Finding(_code(entry), Severity.WARNING, entry.path, message, (entry.remedy,))


def _code(entry: CronEntry) -> str:
    return "service-fails" if entry.path.endswith((".service", ".timer")) else "cron-entry-ignored"


def _kept_from_it() -> Severity:
    return Severity.ERROR if _sees_all() else Severity.WARNING


def _sees_all() -> bool:
    """Whether the crontabs of all users can be read, one of which may have the client renew."""
    return os.geteuid() == 0
