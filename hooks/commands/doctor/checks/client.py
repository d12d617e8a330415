"""The ACME client on this machine: does it call the hook, rightly, and by the clock?

Its files are read as text, never executed. Only a client that is set up for the domain is
reported about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from threading import Lock

from ....challenge.placement import Placements
from ....clients.setup import dehydrated_config
from ....clients.setup import schedule as schedules
from ....clients.setup.dehydrated_config import Dehydrated
from ....clients.setup.text_files import read_octets
from ..finding import Examined, Finding, Severity
from .clients import by_command, certbot, dehydrated, domains_txt, renewal
from .clients.hook_script import unfit

PERSISTENT = "dns-persist-01"  # no hook is called for it

_OPTION = re.compile(r"\s(-k|--hook|-t|--challenge|-f|--config|--acme-profile)[\s=]+(\S+)")
_OPTIONS = {"-k": "HOOK", "--hook": "HOOK", "-t": "CHALLENGETYPE", "--challenge": "CHALLENGETYPE",
            "-f": "CONFIG", "--config": "CONFIG", "--acme-profile": "ACME_PROFILE"}  # fmt: skip


def check(examined: Examined) -> Iterator[Finding]:
    """dehydrated's configuration, certbot's renewal files, and what runs either of them, lego or uacme."""
    yield from _dehydrated(examined)
    yield from by_command.check(examined, {name: _schedule_of(examined, name) for name in ("lego", "uacme")})
    for client in by_command.issuers_here(examined):
        written = f"dns01 init --client {client} --production --no-order {examined.domain}"
        steps = (f"{written}  (and the certificate's other names) has it renewed",)
        yield from _by_the_clock(client, _schedule_of(examined, client), examined.root, steps)
    yield from by_command.traefik(examined, schedules.unit("traefik.service", examined.root))
    lineages = list(certbot.lineages(examined))
    for path, settings in lineages:
        yield from certbot.check(path, settings, examined)
    if lineages:
        yield from _by_the_clock("certbot", _schedule_of(examined, "certbot"), examined.root)


def _schedule_of(examined: Examined, client: str) -> schedules.Schedule:
    """One reading will do for all domains that are looked at."""
    with _reading:
        return _read_schedule(examined.places, client, examined.root)


@lru_cache(maxsize=8)
def _read_schedule(places: Placements, client: str, root: str) -> schedules.Schedule:
    return schedules.of(client, root)


_reading = Lock()


def _dehydrated(examined: Examined) -> Iterator[Finding]:
    schedule = _schedule_of(examined, "dehydrated")
    arguments = dehydrated.arguments_in(schedule.commands)
    given = _given(arguments)
    environ = {**examined.environ, "CONFIG": given.pop("CONFIG", "") or examined.environ.get("CONFIG", "")}
    config = dehydrated_config.read_config(environ, examined.root)
    if config is None:
        return
    mine = [each for each in dehydrated_config.lines(config, examined.root) if examined.domain in each[0]]
    own = dehydrated_config.config_of(config, *mine[0], examined.root) if mine else config
    settings = {**own.settings, **given}
    if settings.get("CHALLENGETYPE") == PERSISTENT or not (mine or _meant_for_hooks(settings)):
        return
    yield from _carriage_returns(examined, own)
    yield from dehydrated.check(examined, config, own, given, arguments)
    yield from domains_txt.check(examined, config, arguments)
    for finding in _hook(examined, own, settings, given):
        key = "CHALLENGETYPE" if finding.code == "challenge-type" else "HOOK"
        yield _uncertain(finding) if key in own.uncertain and key not in given else finding
    yield from _chain(own, settings, [names for names, _ in mine])
    yield from renewal.check(own, settings, [names for names, _ in mine], schedule)
    yield from _by_the_clock("dehydrated", schedule, examined.root)


def _carriage_returns(examined: Examined, config: Dehydrated) -> Iterator[Finding]:
    """bash, which reads these files, takes a CR for a part of the value before it."""
    for path in config.files:
        if b"\r\n" in (read_octets(path, examined.root) or b""):
            message = "it has the line ends of Windows (CR LF); bash takes each CR for a part of the value"
            yield Finding("carriage-returns", Severity.ERROR, path, message, (f"sed -i 's/\\r$//' {path}",))


def _uncertain(finding: Finding) -> Finding:
    """What a condition decides is not known from here."""
    words = f"{finding.message} (as far as that can be told: it is set within a condition or a function)"
    return finding._replace(severity=Severity.NOTE, message=words)


def _given(arguments: Sequence[str]) -> dict[str, str]:
    """What the options of a command line set: they go before the file."""
    return {_OPTIONS[option]: value for part in arguments for option, value in _OPTION.findall(part)}


def _meant_for_hooks(settings: Mapping[str, str]) -> bool:
    """A package's own configuration, which nobody has touched, is no set-up."""
    return bool(settings.get("HOOK")) or settings.get("CHALLENGETYPE") == "dns-01"


def _hook(
    examined: Examined, config: Dehydrated, settings: Mapping[str, str], given: Mapping[str, str]
) -> Iterator[Finding]:
    hook = settings.get("HOOK", "")
    if settings.get("CHALLENGETYPE", "http-01") != "dns-01":
        path = config.origins.get("CHALLENGETYPE", config.files[0])
        said = settings.get("CHALLENGETYPE") or "not set, which means http-01"
        yield Finding(
            "challenge-type",
            Severity.ERROR,
            path,
            f"CHALLENGETYPE is {said}: no record is asked for",
            (_instead(given, "CHALLENGETYPE") or f'write in {path}: CHALLENGETYPE="dns-01"',),
        )
    path = config.origins.get("HOOK", config.files[0])
    write = _instead(given, "HOOK")
    write = write or f'write in {path}: HOOK="/path/of/dns01"  (command -v dns01 tells it)'
    if not hook:
        yield Finding("hook-missing", Severity.ERROR, path, "it sets no HOOK", (write,))
    elif hook.startswith(("/", "~")) and "$" not in hook and "`" not in hook:
        yield from _file(examined, path, hook, write)  # anything else depends on who runs it, and where


def _instead(given: Mapping[str, str], key: str) -> str:
    """What to do about an option, which goes before all files; empty where none sets it."""
    if key not in given:
        return ""
    options = " or ".join(option for option, meant in _OPTIONS.items() if meant == key)
    return f"take {options} {given[key]} out of the timer or cron entry that runs dehydrated"


def _file(examined: Examined, path: str, hook: str, write: str) -> Iterator[Finding]:
    message = f"HOOK is {hook}, and there is no such file; it is one path: no arguments, no ~"
    missing = Finding("hook-missing", Severity.ERROR, path, message, (write,))
    if hook.startswith("~"):
        yield missing
    elif wrong := unfit(examined, hook, missing, "dehydrated's HOOK may not be executed"):
        yield wrong


def _chain(
    config: Dehydrated, settings: Mapping[str, str], mine: Sequence[Sequence[str]]
) -> Iterator[Finding]:
    longest = max(map(len, mine), default=0)
    path = config.origins.get("HOOK_CHAIN", config.files[0])
    if settings.get("HOOK_CHAIN", "no") != "yes" and longest > 1:
        yield Finding(
            "hook-chain-off",
            Severity.NOTE,
            path,
            f"HOOK_CHAIN is off, so that a certificate with {longest} names is waited for {longest} times",
            (f'write in {path}: HOOK_CHAIN="yes"',),
        )


def _by_the_clock(
    client: str, schedule: schedules.Schedule, root: str, steps: Sequence[str] = ()
) -> Iterator[Finding]:
    """``steps``: what has it run, where that is more than a line that is the same everywhere."""
    if schedule.commands:
        return
    if schedule.masked:
        timer = schedule.masked[0]
        message = f"the timer {timer} is masked: nothing renews the certificate"
        unmask = (f"systemctl unmask {timer}", f"systemctl enable --now {timer}")
        yield Finding("timer-masked", Severity.WARNING, client, message, unmask)
        return
    if schedule.ignored:
        entry = schedule.ignored[0]
        message = f"the entry for {client} never runs, and nothing renews the certificate: {entry.ignored}"
        yield Finding("cron-entry-ignored", Severity.WARNING, entry.path, message, (entry.remedy,))
        return
    install = [] if schedules.has_cron(root) else ["apt-get install cron"]
    steps = steps or (f"write in /etc/cron.d/{client}: 17 4 * * * root {schedules.RENEW[client]}",)
    enable = [f"systemctl enable --now {timer}" for timer in schedule.idle]
    yield Finding(
        "no-timer",
        Severity.WARNING,
        client,
        f"no enabled systemd timer and no cron entry runs {client}: nothing renews the certificate"
        + ("" if os.geteuid() == 0 else " (crontabs of other users cannot be read: ask again as root)"),
        tuple(enable or (*install, *steps)),
    )
