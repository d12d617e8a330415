"""When dehydrated renews, by its profile, RENEW_DAYS and its timer; and OCSP, which CAs have ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ......clients.setup.dehydrated_config import Dehydrated
from ......clients.setup.schedule.client_schedule import Schedule
from ....finding import Finding, Severity
from ..certificate_authorities import DUPLICATES, EVERY_RUN, is_letsencrypt
from ..rare_runs import too_rare

RENEW_DAYS = 32.0  # dehydrated's own
LIFETIME = 90.0  # days, of a certificate of Let's Encrypt without a profile
FORCE = re.compile(r"(\bdehydrated(?=\s)[^;&|]*?)\s(-x|--force)(?=\s|$)([^;&|]*)")


class _Profile(NamedTuple):
    """Of Let's Encrypt: the days that a certificate lives, and how many names it may have."""

    days: float
    names: int


PROFILES = {"shortlived": _Profile(160 / 24, 25), "tlsserver": _Profile(45, 25)}


def check(
    config: Dehydrated, settings: Mapping[str, str], mine: Sequence[Sequence[str]], schedule: Schedule
) -> Iterator[Finding]:
    """What the figures do to each other."""
    profile = PROFILES.get(settings.get("ACME_PROFILE", ""))
    days = _number(settings.get("RENEW_DAYS", ""))
    lifetime = profile.days if profile else LIFETIME
    if days >= lifetime and (profile or _is_letsencrypt(settings)):
        yield _at_every_run(config, settings, days, lifetime)
    else:
        yield from too_rare("dehydrated", schedule, min(days, lifetime))
    yield from _forced(schedule, frozenset(name for names in mine for name in names))
    longest = max(map(len, mine), default=0)
    if profile and longest > profile.names:
        yield _too_many(config, settings, longest, profile.names)
    yield from _ocsp(config, settings)


def _at_every_run(config: Dehydrated, settings: Mapping[str, str], days: float, lifetime: float) -> Finding:
    path = config.origins.get("RENEW_DAYS") or config.origins.get("ACME_PROFILE", config.files[0])
    fitting = max(1, int(lifetime / 3))
    of = f"with ACME_PROFILE={settings['ACME_PROFILE']} " if settings.get("ACME_PROFILE") in PROFILES else ""
    return Finding(
        "renews-every-run",
        Severity.WARNING,
        path,
        f"{of}a certificate lives {lifetime:.0f} d, and RENEW_DAYS is {days:.0f}: it is renewed at every "
        "run, up to the CA's limit",
        (f'write in {path}: RENEW_DAYS="{fitting}"',),
    )


def _forced(schedule: Schedule, names: frozenset[str]) -> Iterator[Finding]:
    """A run that orders whatever is due or not."""
    often = schedule.days is None or schedule.days * DUPLICATES < 7
    for line in schedule.lines if often else ():
        if not (call := FORCE.search(line.command)):
            continue
        wanted = re.findall(r"\s(?:-d|--domain)[\s=]+(\S+)", call[0])
        if not wanted or names.intersection(wanted):
            message = f"dehydrated is run with {call[2]}, and orders every certificate {EVERY_RUN}"
            step = line.instead(line.command.replace(call[0], call[1] + call[3]))
            yield Finding("renews-every-run", Severity.WARNING, line.path, message, (step,))


def _too_many(config: Dehydrated, settings: Mapping[str, str], longest: int, most: int) -> Finding:
    return Finding(
        "too-many-names",
        Severity.ERROR,
        config.domains_txt,
        f"a certificate has {longest} names, and the profile {settings['ACME_PROFILE']} takes {most} at most",
        (
            f"in {config.domains_txt}, make several lines of it, of {most} names at most",
            'or have no profile: ACME_PROFILE=""',
        ),
    )


def _ocsp(config: Dehydrated, settings: Mapping[str, str]) -> Iterator[Finding]:
    if not _is_letsencrypt(settings):
        return
    for key, severity, effect in (
        ("OCSP_MUST_STAPLE", Severity.ERROR, "it refuses requests with that extension"),
        (
            "OCSP_FETCH",
            Severity.WARNING,
            "dehydrated ends at the first certificate, and never gets to another",
        ),
    ):
        if settings.get(key, "no") == "yes":
            path = config.origins.get(key, config.files[0])
            message = f"{key} is on, and the CA has ended OCSP: {effect}"
            yield Finding("ocsp-ended", severity, path, message, (f'write in {path}: {key}="no"',))


def _is_letsencrypt(settings: Mapping[str, str]) -> bool:
    return is_letsencrypt(settings.get("CA", ""))  # which has no OCSP since 2025-08


def _number(value: str) -> float:
    try:
        return float(value) if value else RENEW_DAYS
    except ValueError:
        return RENEW_DAYS
