"""What has the client renew its certificates every day: a file for cron, or a systemd timer."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from zlib import crc32

from ....child_process import run
from ....errors import ConfigError, HookError
from ...clients.setup.schedule.client_schedule import has_cron, has_systemd, schedule_of
from ...clients.setup.schedule.cron_lines import in_crontab
from .clients import ClientSetup, SetupRequest
from .written.files import Draft, read

HEAD = "# written by dns01 init, which changes it again"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NIGHT = range(1, 6)  # hours
SYSTEMCTL_TIMEOUT = 60.0  # seconds for systemctl


def drafts(client: ClientSetup, order: SetupRequest) -> list[Draft]:
    """The files that have the order's client run; none where it runs already by another's, where nothing
    here runs programs by the clock, or for a client that sees to that itself."""
    command = client.daily(order)
    if not command or os.geteuid() != 0:
        return []
    crontab, units = f"/etc/cron.d/{client.name}", _units(client.name)
    if has_cron():
        ours = [Draft(crontab, _crontab(client, order, command, read(crontab) or ""))]
    elif has_systemd():
        texts = (_service(client, order, command, read(units[0]) or ""), _timer(client.name))
        ours = [Draft(path, text) for path, text in zip(units, texts, strict=True)]
    else:
        return []
    is_ours = all(_is_ours(draft.path) for draft in ours)
    return ours if is_ours or not is_scheduled(client) else []


def is_scheduled(client: ClientSetup) -> bool:
    """Whether cron or a timer that is enabled runs it."""
    return bool(schedule_of(client.name).commands)


def enable(client: ClientSetup, wanted: Sequence[Draft], written: Sequence[Draft]) -> None:
    """Have systemd start the timer, if it is among the ``wanted`` drafts, and was ``written`` by now, or by a
    run that was stopped before it came to this. Raises ConfigError."""
    service, timer = _units(client.name)
    if timer not in {draft.path for draft in wanted}:
        return
    is_fresh = {service, timer} & {draft.path for draft in written}
    if not is_fresh and os.path.basename(timer) not in schedule_of(client.name).idle:
        return
    try:
        run(["systemctl", "daemon-reload"], os.environ, SYSTEMCTL_TIMEOUT, "systemctl daemon-reload")
        enabling = ["systemctl", "enable", "--now", os.path.basename(timer)]
        run(enabling, os.environ, SYSTEMCTL_TIMEOUT, "systemctl enable")
    except HookError as error:
        raise ConfigError(
            f"the timer is written, and not enabled: {error}", f"systemctl enable --now {timer}"
        ) from None


def _is_ours(path: str) -> bool:
    return (read(path) or "").partition("\n")[0] == HEAD


def _of_others(client: ClientSetup, order: SetupRequest, present: str) -> str:
    """The lines of a file of ours that renew other certificates, where each has a command of its own."""
    kept = ""
    for line in present.splitlines() if client.name_behind else ():
        name = re.search(rf" {client.name_behind} '?([^\s'\"]+)", line)
        if name and name[1] != order.names[0]:
            kept += f"{line}\n"
    return kept


def _crontab(client: ClientSetup, order: SetupRequest, command: str, present: str) -> str:
    """At a time of its own, since CAs have the most work at the full hour. ``present``: what is there."""
    chance = crc32(socket.gethostname().encode())
    hour = NIGHT[chance // 60 % len(NIGHT)]
    line = f"{chance % 60} {hour} * * * root {in_crontab(client.name, command)}\n"
    return f"{HEAD}\nPATH={PATH}\n{_of_others(client, order, present)}{line}"


def _units(client: str) -> tuple[str, str]:
    return f"/etc/systemd/system/dns01-{client}.service", f"/etc/systemd/system/dns01-{client}.timer"


def _service(client: ClientSetup, order: SetupRequest, command: str, present: str) -> str:
    """systemd has its own %, $ and quotes (systemd.service(5)). ``present``: what is there."""
    escaped = command.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return (
        f"{HEAD}\n[Unit]\nDescription=Certificates of {client.name}, renewed\n"
        "Wants=network-online.target\nAfter=network-online.target\n\n"
        f"[Service]\nType=oneshot\nEnvironment=PATH={PATH}\n"
        f'{_of_others(client, order, present)}ExecStart=/bin/sh -c "{escaped}"\n'
    )


def _timer(client: str) -> str:
    return (
        f"{HEAD}\n[Unit]\nDescription=Certificates of {client}, renewed every day\n\n"
        "[Timer]\nOnCalendar=daily\nRandomizedDelaySec=6h\nPersistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )
