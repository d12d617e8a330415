"""The ACME clients on this machine: do they call the hook, rightly, and by the clock?

Its files are read as text, never executed. Only a client that is set up for the domain is
reported about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from threading import Lock

from .....challenge.placement import Placements
from .....clients.setup.schedule.client_schedule import Schedule, schedule_of
from .....clients.setup.schedule.command_line import Line
from .....clients.setup.schedule.systemd_jobs import service_line
from ...finding import Examined, Finding
from . import by_the_clock, rare_runs, time_limits
from .certbot import check as certbot
from .certbot import fitting as certbot_fitting
from .certbot import hook_folders as certbot_hook_folders
from .certbot import lineage as certbot_lineage
from .dehydrated import check as dehydrated
from .lego_uacme import ca_refusals, lego_account, option_order
from .lego_uacme import check as lego_uacme
from .unattended import by_client
from .unattended import check as unattended

CLIENTS = ("dehydrated", "certbot", *lego_uacme.CERTIFICATES)


def check(examined: Examined) -> Iterator[Finding]:
    """dehydrated's configuration, certbot's renewal files, and what runs either of them, lego or uacme."""
    found = list(_of_this_machine(examined))
    yield from found
    said = {finding.subject for finding in found}
    for client in CLIENTS:
        yield from by_the_clock.in_containers(client, _schedule_of(examined, client), said)


def _of_this_machine(examined: Examined) -> Iterator[Finding]:
    """Clients whose own files are here, and for the domain."""
    yield from dehydrated.check(examined, _schedule_of(examined, "dehydrated"))
    yield from _lego_and_uacme(examined)
    traefik = service_line("traefik.service", examined.root)
    yield from lego_uacme.traefik(examined, traefik)
    yield from ca_refusals.traefik(examined)
    yield from unattended.check(examined, by_client.of_traefik(examined, traefik))
    yield from _certbot(examined, list(certbot_lineage.lineages(examined)))


def _certbot(examined: Examined, lineages: Sequence[tuple[str, Mapping[str, str]]]) -> Iterator[Finding]:
    schedule = _schedule_of(examined, "certbot")
    commands = [(line.path, line.command) for line in schedule.lines]
    for path, settings in lineages:
        yield from certbot.check(path, settings, examined, commands, _search_path(schedule.lines))
    owns = [certbot_lineage.lineage(examined, path, settings, commands) for path, settings in lineages]
    for own in owns:
        yield from certbot_fitting.check(examined, own, schedule.lines)
    runs = (run for own in owns for run in by_client.of_certbot(examined, own, schedule.lines))
    yield from unattended.check(examined, runs)
    if lineages:
        yield from by_the_clock.check("certbot", schedule, examined.root)
        yield from rare_runs.certbot(examined, owns, schedule)
        yield from certbot_hook_folders.check(examined, owns)
        yield from time_limits.check("certbot", schedule.lines)
        yield from certbot.passed_over(examined, [path for path, _ in lineages], commands)
    else:
        yield from certbot.before_any(examined)


def _search_path(lines: Sequence[Line]) -> Sequence[str] | None:
    """The folders that programs are looked for in where the lines are run; None where that is not known."""
    paths = [line.environ.get("PATH", "") for line in lines]
    if not lines or not all(line.complete for line in lines) or any("$" in path for path in paths):
        return None
    return [folder for path in paths for folder in path.split(":")]


def _lego_and_uacme(examined: Examined) -> Iterator[Finding]:
    """lego and uacme, which have no file of their own."""
    issuers = dict(lego_uacme.issuers_here(examined))
    for client in lego_uacme.CERTIFICATES:
        schedule = _schedule_of(examined, client)
        yield from lego_uacme.check(examined, client, schedule.lines)
        called = lego_uacme.commands(examined, client, schedule.lines)
        yield from ca_refusals.check(examined, client, called, schedule.days)
        files = lego_uacme.certificate_files(examined, client)
        if client == "lego":
            yield from (finding for command in called for finding in option_order.check(command))
            yield from (finding for command in called for finding in lego_account.check(examined, command))
        yield from rare_runs.lego_or_uacme(examined, client, called, files, schedule)
        yield from time_limits.check(client, [command.line for command in called])
        yield from unattended.check(examined, by_client.of_command(examined, client, called, schedule.lines))
        if client in issuers or any(examined.domain in entry.line for entry in schedule.ignored):
            has_it_renewed = issuers.get(client) or lego_uacme.has_renewed(client, (examined.domain,))
            yield from by_the_clock.check(client, schedule, examined.root, (has_it_renewed,))


def _schedule_of(examined: Examined, client: str) -> Schedule:
    """One reading will do for all domains that are looked at."""
    with _reading:
        return _read_schedule(examined.places, client, examined.root)


@lru_cache(maxsize=8)
def _read_schedule(places: Placements, client: str, root: str) -> Schedule:
    return schedule_of(client, root)


_reading = Lock()
