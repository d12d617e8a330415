"""``dns01 doctor --all``: every domain that this machine has a certificate or an account for, and who is
told of what would fail (``--notify``)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from glob import glob

from ....errors import DeployError
from ...clients.setup import dehydrated_config
from ...clients.setup.certificate_paths import roots
from ...config.settings import Settings
from ...deploy.certificate.leaf import names_in
from ...notify import state_changes
from ...notify.section import receivers_to_tell
from ...notify.state_changes import SubjectState
from .examine import Diagnosis
from .finding import Severity
from .report import verdict


def domains(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The names of the certificates of dehydrated and certbot, due or not, and the zones that the
    configuration names; a name and its wildcard have one challenge name, and are one."""
    found: list[str] = []
    if config := dehydrated_config.read_config(environ):
        found += [name for names in dehydrated_config.certificates(config) for name in names]
    for root in roots(environ):
        for path in sorted(glob(f"{root}/*/cert.pem")):
            with suppress(DeployError):
                found += names_in(path)
    found += [rule.apex for rule in settings.zones if rule.accounts]
    bare = [name.lower().removeprefix("*.") for name in found]
    return [
        f"*.{name}" if f"*.{name}" in found and name not in found else name for name in dict.fromkeys(bare)
    ]


def one_for_each_zone(diagnoses: Iterable[Diagnosis]) -> Iterator[str]:
    """The first domain of each account and zone: a record there stands for the others."""
    seen = set()
    for diagnosis in diagnoses:
        key = (tuple(account.name for account in diagnosis.accounts), diagnosis.delegation.zone)
        if key not in seen:
            seen.add(key)
            yield diagnosis.domain


def tell(diagnoses: Sequence[Diagnosis], environ: Mapping[str, str]) -> None:
    """Tell those in [notify] which domains would fail, and which would no more, each once. What goes
    wrong is a warning."""
    if receivers_to_tell(environ):
        state_changes.tell(map(_observed, diagnoses), environ, at_once=True)


def _observed(diagnosis: Diagnosis) -> SubjectState:
    subject, title = f"order {diagnosis.domain}", f"an order for {diagnosis.domain}"
    if diagnosis.worst < Severity.ERROR:
        return SubjectState(subject, title)
    gravest = diagnosis.ordered[0]
    text = f"{diagnosis.domain}: {verdict([diagnosis])}: {gravest.message}"
    hint = next(filter(None, gravest.remedy), f"dns01 doctor {diagnosis.domain}")
    return SubjectState(subject, title, "order-would-fail", text, os.linesep.join(hint.splitlines()))
