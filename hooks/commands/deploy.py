"""``dns01 deploy``: bring certificates to their targets by hand, or see what that would change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import click

from ... import output
from ...errors import ConfigError, DeployError, HookError
from ...secret import redact
from ..clients.call import Call, Certificate
from ..clients.setup import certificate_paths
from ..deploy.certificate.checks import inspect
from ..deploy.delivery.deliverer import Deliverer
from ..deploy.delivery.ledger import Ledger
from ..deploy.section import Deployment
from ..phases.phase import Phase
from ..phases.session import Session
from .document import json_option, show

VERSION = 1
Verdict = Literal["there already", "would change", "would fail", "arrived", "failed"]


class DeployOutcome(NamedTuple):
    """What a certificate's way to a target has come to, or would. ``changes``: a line for each thing."""

    certificate: str
    target: str
    verdict: Verdict
    changes: Sequence[str] = ()
    error: str = ""


Plan = Sequence[tuple[Certificate, Sequence[Deployment]]]


@click.command(short_help="Bring certificates to where they are used.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--target", metavar="NAME", help="Only this target of the configuration.")
@click.option("--from", "folder", type=click.Path(), help="The folder with the certificate's files.")
@click.option("--missing", is_flag=True, help="Only where it is not yet; pass over what is not issued.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--force", is_flag=True, help="Even what is there already; services are reloaded.")
@json_option("deploy")
def deploy(
    names: tuple[str, ...],
    target: str,
    folder: str,
    missing: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Bring certificates to the targets that the configuration names for them.

    NAME is a certificate's first domain, or what dehydrated or certbot call its folder. Without a
    NAME: all that is pending. Exit code 9 if something does not arrive.
    """
    session = Session(None, os.environ)
    deliverer, ledger = session.deploying.deliverer, Ledger(session.state)
    if not names and not dry_run:
        with Phase(session, Call("dns01", "deploy", "deploy")):
            deliverer.retry(everything=True)
            if as_json:
                _document(_outcomes(deliverer))
            _fail_for(deliverer)
        if not as_json:
            output.report("nothing is pending any more")
        return
    plan: Plan
    if missing:
        plan = list(_missing(names, target, deliverer))
    else:
        plan = [_planned(name, folder, deliverer, ledger, target) for name in names] or deliverer.left()
    if dry_run:
        planned = [_foreseen(certificate, each, deliverer) for certificate, them in plan for each in them]
        (_document if as_json else _tell)(planned)
        if failures := sum(outcome.verdict == "would fail" for outcome in planned):
            raise DeployError(f"{failures} would fail", "what is wrong with each is above")
        return
    for certificate, targets in plan:
        with Phase(session, Call("dns01", "deploy", "deploy", certificate=certificate)):
            deliverer.deliver(certificate, targets, force=force, look=not missing)
    if as_json:
        _document(_outcomes(deliverer))
    _fail_for(deliverer)


def _planned(
    name: str, folder: str | None, deliverer: Deliverer, ledger: Ledger, target: str | None
) -> tuple[Certificate, list[Deployment]]:
    """The certificate, and where it is to be brought. Raises DeployError and ConfigError."""
    if folder:
        found = certificate_paths.find_in(os.path.abspath(folder), name)
        if found is None:
            raise DeployError(
                f"{folder} has no key and certificate of {name}",
                "name the folder that dehydrated, certbot, lego, acme.sh, uacme, Posh-ACME or getssl keeps "
                "them in, or one that has them as privkey.pem, cert.pem and fullchain.pem",
            )
    else:
        known = [delivery.certificate for delivery in (*ledger.pending(), *ledger.deployed())]
        found = certificate_paths.find(name, known, os.environ)
    certificate = _with_domain(found)
    targets = [each for each in deliverer.targets(certificate) if target in (None, each.name)]
    if not targets:
        what = f"target {target!r}" if target else "target"
        raise ConfigError(
            f"no {what} is configured for {name}",
            f'write [deploy."{name}".{target or "files"}] in config.toml',
        )
    return certificate, targets


def _missing(
    names: Sequence[str], target: str, deliverer: Deliverer
) -> Iterator[tuple[Certificate, list[Deployment]]]:
    """What is not yet where the configuration wants it. Raises DeployError if one is not fit."""
    for name in names:
        try:
            found = certificate_paths.find(name, (), os.environ)
        except DeployError:  # it is not issued yet
            continue
        certificate = _with_domain(found)
        targets = [each for each in deliverer.missing(certificate) if target in (None, each.name)]
        if targets:
            yield certificate, targets


def _with_domain(certificate: Certificate) -> Certificate:
    """A folder may be called otherwise than any domain of its certificate."""
    names = inspect(certificate._replace(domain="", names=())).names
    return certificate if certificate.domain in names else certificate._replace(domain=names[0])


def _foreseen(certificate: Certificate, deployment: Deployment, deliverer: Deliverer) -> DeployOutcome:
    """What a real run would change."""
    where = certificate.domain, deployment.name
    try:
        changes = deliverer.would_change(certificate, deployment)
    except HookError as error:
        return DeployOutcome(*where, "would fail", error=str(error))
    return DeployOutcome(*where, "would change" if changes else "there already", changes)


def _tell(planned: Sequence[DeployOutcome]) -> None:
    for outcome in planned:
        failure = [f"it would fail: {outcome.error}"] if outcome.error else []
        for line in [*outcome.changes, *failure] or ["it is there already"]:
            where = f"{outcome.certificate} → {outcome.target}"
            output.report(f"{where}: {' '.join(line.split())}")


def _outcomes(deliverer: Deliverer) -> list[DeployOutcome]:
    """What has come of each delivery of this call."""
    arrived = [DeployOutcome(each.certificate.domain, each.target, "arrived") for each in deliverer.arrived]
    failed = [
        DeployOutcome(each.certificate.domain, each.target, "failed", error=each.error)
        for each in deliverer.failed
    ]
    return [*arrived, *failed]


def _document(outcomes: Sequence[DeployOutcome]) -> None:
    show(VERSION, deliveries=[_delivery(outcome) for outcome in outcomes])


def _delivery(outcome: DeployOutcome) -> dict[str, Any]:
    harmless = {"changes": list(map(redact, outcome.changes)), "error": redact(outcome.error)}
    return outcome._asdict() | harmless


def _fail_for(deliverer: Deliverer) -> None:
    if deliverer.failed:
        titles = ", ".join(delivery.title for delivery in deliverer.failed)
        raise DeployError(f"it did not arrive: {titles}", "why is above; `dns01 deploy` tries again")
