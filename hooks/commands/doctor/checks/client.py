"""The ACME client on this machine: does it call the hook, rightly, and by the clock?

Its files are read as text, never executed. Only a client that is set up for the domain is
reported about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from ....clients import dehydrated
from ..finding import Examined, Finding, Severity
from . import _certbot, _schedule

RENEW = {"dehydrated": "dehydrated --cron", "certbot": "certbot -q renew"}

_OPTION = re.compile(r"\s(-k|--hook|-t|--challenge)[\s=]+(\S+)")
_OPTIONS = {"-k": "HOOK", "--hook": "HOOK", "-t": "CHALLENGETYPE", "--challenge": "CHALLENGETYPE"}


def check(examined: Examined) -> Iterator[Finding]:
    """dehydrated's configuration, certbot's renewal files, and what runs either of them."""
    schedule = _schedule.of("dehydrated", examined.root)
    config = dehydrated.read_config(examined.environ, examined.root)
    if config is not None:
        certificates = dehydrated.certificates(config, examined.root)
        mine = [names for names in certificates if examined.domain in names]
        settings = {**config.settings, **_given(schedule.commands)}
        if mine or _meant_for_hooks(settings):
            yield from _hook(examined, config.files[0], settings)
            yield from _chain(config.files[0], settings, mine)
            yield from _by_the_clock("dehydrated", schedule)
    lineages = list(_certbot.lineages(examined))
    for path, renewal in lineages:
        yield from _certbot.check(path, renewal)
    if lineages:
        yield from _by_the_clock("certbot", _schedule.of("certbot", examined.root))


def _given(commands: Sequence[str]) -> dict[str, str]:
    """What the options of a command line set: they go before the file."""
    return {_OPTIONS[option]: value for line in commands for option, value in _OPTION.findall(line)}


def _meant_for_hooks(settings: Mapping[str, str]) -> bool:
    """A package's own configuration, which nobody has touched, is no set-up."""
    return bool(settings.get("HOOK")) or settings.get("CHALLENGETYPE") == "dns-01"


def _hook(examined: Examined, path: str, settings: Mapping[str, str]) -> Iterator[Finding]:
    hook = settings.get("HOOK", "")
    if settings.get("CHALLENGETYPE", "http-01") != "dns-01":
        said = settings.get("CHALLENGETYPE") or "not set, which means http-01"
        yield Finding(
            "challenge-type",
            Severity.ERROR,
            path,
            f"CHALLENGETYPE is {said}: no record is asked for",
            (f'write in {path}: CHALLENGETYPE="dns-01"',),
        )
    write = f'write in {path}: HOOK="/path/of/dns01"  (command -v dns01 tells it)'
    if not hook:
        yield Finding("hook-missing", Severity.ERROR, path, "it sets no HOOK", (write,))
    elif hook.startswith(("/", "~")) and "$" not in hook and "`" not in hook:
        yield from _file(examined, path, hook, write)  # anything else depends on who runs it, and where


def _file(examined: Examined, path: str, hook: str, write: str) -> Iterator[Finding]:
    file = examined.path(hook)
    if hook.startswith("~") or not os.path.isfile(file):
        message = f"HOOK is {hook}, and there is no such file; it is one path: no arguments, no ~"
        yield Finding("hook-missing", Severity.ERROR, path, message, (write,))
    elif not os.access(file, os.X_OK):
        message = "dehydrated's HOOK may not be executed"
        yield Finding("hook-not-executable", Severity.ERROR, hook, message, (f"chmod +x {hook}",))


def _chain(path: str, settings: Mapping[str, str], mine: Sequence[Sequence[str]]) -> Iterator[Finding]:
    longest = max(map(len, mine), default=0)
    if settings.get("HOOK_CHAIN", "no") != "yes" and longest > 1:
        yield Finding(
            "hook-chain-off",
            Severity.NOTE,
            path,
            f"HOOK_CHAIN is off, so that a certificate with {longest} names is waited for {longest} times",
            (f'write in {path}: HOOK_CHAIN="yes"',),
        )


def _by_the_clock(client: str, schedule: _schedule.Schedule) -> Iterator[Finding]:
    if schedule.commands:
        return
    cron = f"write in /etc/cron.d/{client}: 17 4 * * * root {RENEW[client]}"
    enable = [f"systemctl enable --now {timer}" for timer in schedule.idle]
    yield Finding(
        "no-timer",
        Severity.WARNING,
        client,
        f"no enabled systemd timer and no cron entry runs {client}: nothing renews the certificate"
        + ("" if os.geteuid() == 0 else " (crontabs of other users cannot be read: ask again as root)"),
        tuple(enable or [cron]),
    )
