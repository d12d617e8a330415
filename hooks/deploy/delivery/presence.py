"""Whether a certificate is at its target already, by the ledger and by a look, and what it replaces."""

from __future__ import annotations

import os

from .... import output
from ..certificate.differences import differences_from
from ..section import Deployment
from ..targets.base import Blind, CertificateFiles, Local, Target
from . import certificate_files as bundles
from .ledger import Delivery, Ledger


def is_there(
    ledger: Ledger, delivery: Delivery, deployment: Deployment, bundle: CertificateFiles, look: bool = False
) -> bool:
    """Whether the last that was brought there is the same, and nobody has removed or replaced it since.
    Files of this machine are looked at in any case, all else only if it is to be. Raises HookError."""
    deployed = ledger.find_deployed(delivery)
    if deployed is None or deployed.digest != bundles.digest(bundle, deployment):
        return False
    target = deployment.target()
    if look and not isinstance(target, Blind):
        return not opened(deployment, bundle).changes(bundle)
    return not isinstance(target, Local) or not target.lost(
        deployment.options, bundle.name, bundle.facts.fingerprint
    )


def lost_with(ledger: Ledger, delivery: Delivery, bundle: CertificateFiles) -> tuple[str, ...]:
    """What clients of the certificate that is there may miss in the new one."""
    before = ledger.find_deployed(delivery)
    if before is None:
        return ()
    if before.fingerprint == bundle.facts.fingerprint:
        return before.differences
    return differences_from(before.traits, bundle.fullchain)


def warn_of_another(ledger: Ledger, delivery: Delivery) -> None:
    """Two certificates of one domain, an RSA and an ECDSA one, are told apart by their folders alone."""
    before = ledger.find_deployed(delivery)
    present = before.certificate.cert if before else delivery.certificate.cert
    if present != delivery.certificate.cert and os.path.exists(present):
        output.warning(f"{delivery.title}: it takes the place of {present}, which has the same first name")
        output.warning("if both are in use, write a section for each that is called like its folder")


def opened(deployment: Deployment, bundle: CertificateFiles) -> Target:
    """The target, if it takes the certificate. Raises HookError."""
    target = deployment.target()
    bundles.check_staging(bundle, deployment)
    target.check(bundle)
    return target
