"""Runs of a client that are further apart than the days before a certificate's end in which it renews."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ......errors import DeployError
from .....clients.setup.schedule.client_schedule import Schedule
from .....clients.setup.schedule.command_line import Line
from .....clients.setup.schedule.crontab import in_folder
from .....clients.setup.units import drop_in
from .....deploy.certificate.leaf import leaf_in
from ...finding import Examined, Finding, Severity
from .certbot.lineage import Lineage
from .lego_uacme.ca_refusals import ALWAYS, DAYS
from .lego_uacme.check import Command

LIFETIME = 90.0  # days, of a certificate of Let's Encrypt, where there is none to look at
LEFT = 30.0  # days left, with which certbot, lego and uacme renew, unless told otherwise
BY_SHARE = 4  # the first version of certbot that goes by the share of the lifetime that is left
SHORT = 10.0  # days of lifetime, below which that is half
SPANS = {"day": 1, "week": 7, "month": 30, "year": 365}  # certbot's words for its renew_before_expiry


def too_rare(client: str, schedule: Schedule, left: float) -> Iterator[Finding]:
    """``left``: the days that a certificate still has when the client begins to renew it."""
    if schedule.days is None or schedule.days < left:
        return
    steps = [drop_in(timer, "OnCalendar=", "OnCalendar=daily") for timer in schedule.timers]
    yield Finding(
        "timer-too-rare",
        Severity.WARNING,
        client,
        f"it runs every {schedule.days:.0f} days, and renews with {left:.0f} days left: a certificate may "
        "expire between two runs",
        tuple(steps) or tuple(_daily(line) for line in schedule.lines[:1]),
    )


def _daily(line: Line) -> str:
    """The step that has cron run the same command every day."""
    if in_folder(line.path) is not None:
        return f"mv {line.path} /etc/cron.daily/"
    when = re.sub(r"^\s*(?:@\w+|(?:\S+\s+){4}\S+)", "17 4 * * *", line.when or "17 4 * * * root ")
    return f"write in {line.path}: {when}{line.command}"


def certbot(examined: Examined, lineages: Sequence[Lineage], schedule: Schedule) -> Iterator[Finding]:
    """By the certificate that has the fewest days."""
    yield from too_rare("certbot", schedule, min(_left_by_certbot(examined, own) for own in lineages))


def _left_by_certbot(examined: Examined, own: Lineage) -> float:
    """A third of its days in certbot 4 and later, half of fewer than SHORT; 30 of them before, where
    what runs is not newer than what wrote the file."""
    lifetime = _lifetime(examined, [own.own.get("cert", "")])
    if "force_renewal" in own.defaults:
        return lifetime
    span = re.fullmatch(r"(\d+)\s*(day|week|month|year)s?", own.own.get("renew_before_expiry", ""))
    version = re.match(r"\d+", own.own.get("version", ""))
    by_itself = max(LEFT, lifetime / 3)
    if version and int(version[0]) >= BY_SHARE:
        by_itself = lifetime / (2 if lifetime < SHORT else 3)
    return min(float(span[1]) * SPANS[span[2]] if span else by_itself, lifetime)


def lego_or_uacme(
    examined: Examined, client: str, commands: Iterable[Command], files: Sequence[str], schedule: Schedule
) -> Iterator[Finding]:
    """``commands``: those for the domain; ``files``: where its certificate may be."""
    lifetime = _lifetime(examined, files)
    left = [_left_by_command(client, command, lifetime) for command in commands]
    if left:
        yield from too_rare(client, schedule, min(max(left), lifetime))


def _left_by_command(client: str, command: Command, lifetime: float) -> float:
    always = any(word in ALWAYS[client] for word in command.words)
    if always or (client == "lego" and "renew" not in command.words):
        return lifetime
    days = [value for value in command.values(*DAYS[client]) if value.isdecimal()]
    return float(days[-1]) if days else max(LEFT, lifetime / 3)


def _lifetime(examined: Examined, files: Sequence[str]) -> float:
    """In days, of the first certificate that can be read."""
    for file in filter(None, files):
        try:
            leaf = leaf_in(examined.path(file))
        except DeployError:
            continue
        return (leaf.not_after - leaf.not_before).total_seconds() / 86400
    return LIFETIME
