"""``dns01 doctor``: what would make an order fail, found out before there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from threading import Semaphore

import click

from .... import output
from ....errors import ConfigError, UsageError
from ....names import canonical
from ....threads import in_background
from ....trusted_file import secrets_of
from ...caa import issuers
from ...challenge.placement import Placements
from ...clients.challenge import owner_name
from . import rehearsal, report
from .checks.clients.unattended.sole_user import SoleUser, sole_user
from .checks.configuration import load
from .checks.registry import CHECKS
from .checks.subjects.credentials import as_written, open_credible
from .examine import Diagnosis, diagnose
from .finding import Examined, Severity
from .trial_record import probe, skipped

ABREAST = 16  # domains that are looked at at once


@click.command(short_help="Find out what would make an order fail.")
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...")
@click.option("--all", "every", is_flag=True, help="Look at every certificate's names and every [zone], too.")
@click.option("--notify", is_flag=True, help="Tell those in [notify] what would fail, once.")
@click.option("--ca", default="", metavar="CA", help="The CA that is to issue, as the configuration has it.")
@click.option("--write", is_flag=True, help="Publish a real record too, wait for it, and remove it.")
@click.option("--json", "as_json", is_flag=True, help="For programs: docs/doctor.schema.json describes it.")
def doctor(domains: tuple[str, ...], every: bool, notify: bool, ca: str, write: bool, as_json: bool) -> int:
    """Find out what would make an order for each DOMAIN (*.example.org too) fail, and how to mend it.

    16 domains are looked at at once, in less than 10 seconds. No resolver is asked about a challenge
    name, and nothing is changed, but for the record that --write publishes and removes. Exit code 1
    for warnings, 2 for errors; notes are 0. With --all, --write tries one domain of each zone.
    """
    if every:
        domains = (*domains, *rehearsal.domains(load(os.environ)[0], os.environ))
    if not domains:
        raise UsageError("it is given no domain", "name some, or --all where there are certificates")
    try:
        ca = ca and issuers.ca(ca)
    except ConfigError as error:
        raise UsageError(f"--ca: {error}", error.hint) from None
    diagnoses = list(_diagnoses(domains, ca, write, every=every))
    if notify:
        rehearsal.tell(diagnoses, os.environ)
    if as_json:
        output.document(report.document(diagnoses))
    else:
        report.show(diagnoses)
    return max(diagnosis.worst for diagnosis in diagnoses).value


def show_findings(domains: Sequence[str], ca: str, *, without: Mapping[str, Severity]) -> Severity:
    """Show what is found, but for these codes, unless one is graver than what stands with it; gives the
    worst."""
    found = _diagnoses(domains, issuers.ca(ca) if ca else "", write=False, every=False)
    diagnoses = [
        diagnosis.without(
            without.keys()
            - {each.code for each in diagnosis.ordered if each.severity > without.get(each.code, -1)}
        )
        for diagnosis in found
    ]
    report.show(diagnoses)
    return max(diagnosis.worst for diagnosis in diagnoses)


def _diagnoses(domains: Sequence[str], ca: str, write: bool, *, every: bool) -> Iterator[Diagnosis]:
    owners = [owner_name(domain) for domain in domains]  # says what is wrong with one
    names = dict(zip(map(canonical, domains), owners, strict=True))
    other = sole_user(os.environ) if os.geteuid() == 0 else None
    with secrets_of(*([other.user.uid] if other else ())):
        yield from _as(other, names, ca, write, every=every)


def _as(
    other: SoleUser | None, names: Mapping[str, str], ca: str, write: bool, *, every: bool
) -> Iterator[Diagnosis]:
    """``other``: whom the clients run as, if not as who asks. ``names``: each domain's challenge name."""
    user = other.user if other else None
    settings, problems = load(os.environ, user)
    settings = replace(settings, ca=ca) if ca else settings
    seen = replace(settings, state=other.state) if other else settings
    places = Placements(settings, open_credible)
    gate = Semaphore(ABREAST)

    def examine(domain: str, name: str) -> Diagnosis:
        with gate:
            examined = Examined(domain, name, seen, places, places.discovery, os.environ, user=user)
            return diagnose(examined, CHECKS)

    pending = [in_background(partial(examine, domain, name)) for domain, name in names.items()]
    found = [each.result().adding("configuration", problems).without_consequences() for each in pending]
    tried = set(rehearsal.one_for_each_zone(found) if every else names) if write else set()
    for diagnosis in found:
        if diagnosis.domain in tried:
            broken = diagnosis.worst == Severity.ERROR
            domain = diagnosis.domain
            of_trial = [skipped(domain)] if broken else probe(domain, settings, os.environ)
            findings = (as_written(settings, os.environ, diagnosis.accounts, each) for each in of_trial)
            diagnosis = diagnosis.adding("probe", findings)
        yield diagnosis
