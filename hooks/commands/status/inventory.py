"""Every certificate that is known: those that were brought somewhere, and those in the clients' folders.

Only the certificates are read, never their keys, and nothing of the DNS accounts.
"""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ....errors import ConfigError, DeployError, StateError
from ...clients.call import Certificate
from ...clients.setup import certificate_paths
from ...deploy.certificate.differences import differences_from
from ...deploy.certificate.leaf import IssuerCertificate, Leaf, content, issuer_in, leaf_in
from ...deploy.delivery.ledger import Delivery, Ledger
from ...deploy.section import Deployment, outline_deployments, targets_for
from ...deploy.targets import load
from ...deploy.targets.base import Local
from ...issue.section import certificates_folder
from ...state.folder import UntrustedFolder, state_dir
from .expiry import Level, Problem


class CertificateTarget(NamedTuple):
    """A target of a certificate's. ``deployed``: what was brought there last; ``pending``: what is
    still to be done. ``service``: what can be looked at to see what came of it. ``differences``: what clients
    may miss, in what was brought there or in what is to be. ``lost``: what is gone there, or was replaced."""

    target: str
    section: str
    deployed: Delivery | None
    pending: Delivery | None
    service: str = ""
    differences: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class Known(NamedTuple):
    """A certificate. ``leaf``: None where it cannot be read, which is a problem then. ``issuer``: the CA's
    own certificate that it was issued with, where its files have that."""

    name: str
    path: str
    leaf: Leaf | None
    destinations: tuple[CertificateTarget, ...] = ()
    issuer: IssuerCertificate | None = None


class FoundCertificates(NamedTuple):
    """All certificates that were found, and what could not be read meanwhile."""

    certificates: tuple[Known, ...]
    problems: tuple[Problem, ...]


def find_certificates(given: Sequence[str], environ: Mapping[str, str]) -> FoundCertificates:
    """All certificates that are known, each with its destinations. ``given``: folders of certificates, or
    folders that hold such; without any, those that the clients have, and what sections name, wherever else
    clients keep it."""
    targets, of_configuration = _targets(environ)
    destinations, problems = _destinations(environ, targets)
    if destinations:  # else a monitoring user needs to read no configuration
        problems += of_configuration
    paths = {_same(each.cert): each.domain for each in destinations}
    for above in given or _roots(environ):
        found, unreadable = _search(above)
        if given and not found and not unreadable:
            unreadable = [_unreadable(above, f"{above} has no certificate that can be read")]
        problems += unreadable
        for path in found:
            paths.setdefault(_same(path), "")
    if not given:
        for certificate in _wanted(targets or (), environ):
            paths.setdefault(_same(certificate.cert), certificate.domain)
        for above in certificate_paths.others(environ):  # after those that have the name of a section
            found, unreadable = _search(above)
            problems += unreadable
            for path in found:
                paths.setdefault(_same(path), "")
    by_path: dict[str, list[CertificateTarget]] = defaultdict(list)
    for certificate, destination in destinations.items():
        by_path[_same(certificate.cert)] += destination
    certificates = []
    for path, name in paths.items():
        known, unreadable = _known(path, name, by_path[path], environ)
        problems += unreadable
        certificates.append(_with_targets(known, targets or ()))
    return FoundCertificates(tuple(certificates), tuple(problems))


def _roots(environ: Mapping[str, str]) -> list[str]:
    """The folders of the clients' certificates that are there, and that of ``dns01 issue``."""
    found = certificate_paths.roots(environ)
    with suppress(ConfigError):  # whoever may not read it need not
        found.append(certificates_folder(environ))
    return [folder for folder in dict.fromkeys(found) if os.path.isdir(folder)]


def _wanted(targets: Iterable[Deployment], environ: Mapping[str, str]) -> Iterator[Certificate]:
    """The certificates that sections name, wherever clients keep them."""
    for name in dict.fromkeys(each.pattern for each in targets if "*" not in each.pattern):
        with suppress(DeployError):  # it is not issued yet
            yield certificate_paths.find(name, (), environ)


def _with_targets(known: Known, targets: Sequence[Deployment]) -> Known:
    """With those that it was never brought to."""
    present = {(each.section, each.target) for each in known.destinations}
    wanted = targets_for(targets, Certificate(known.name, cert=known.path))
    more = [
        CertificateTarget(each.name, each.pattern, None, None)
        for each in wanted
        if (each.pattern, each.name) not in present
    ]
    return known._replace(destinations=(*known.destinations, *more))


def _destinations(
    environ: Mapping[str, str], targets: Sequence[Deployment] | None
) -> tuple[dict[Certificate, list[CertificateTarget]], list[Problem]]:
    """What was brought where, and what is still to be, by the last that is known of each certificate; and
    what of that is corrupt or cannot be read."""
    ledger = Ledger(state_dir(environ))
    try:
        deployed = {each.key: each for each in ledger.deployed()}
        pending = {each.key: each for each in ledger.pending()}
        problems = list(map(_corrupt, ledger.corrupt()))
    except StateError as error:
        hint = error.hint if isinstance(error.__cause__, UntrustedFolder) else _AS_ROOT
        return {}, [_unreadable(state_dir(environ), str(error), hint)]
    configured = None if targets is None else {(each.pattern, each.name): each for each in targets}
    found: dict[Certificate, list[CertificateTarget]] = defaultdict(list)
    for key in dict.fromkeys((*deployed, *pending)):
        _, section, target = key
        delivered, waiting = deployed.get(key), pending.get(key)
        if waiting or configured is None or (section, target) in configured:
            certificate = (waiting or delivered or pending[key]).certificate
            deployment = (configured or {}).get((section, target))
            destination = CertificateTarget(
                target,
                section,
                delivered,
                waiting,
                _service(deployment) if deployment else "",
                _differences(delivered, certificate),
                _lost(delivered, deployment) if delivered and deployment else (),
            )
            found[certificate].append(destination)
    return found, problems


def _differences(deployed: Delivery | None, certificate: Certificate) -> tuple[str, ...]:
    """Between what was brought there and what lies on the disk, or what that once was."""
    if deployed is None:
        return ()
    try:
        if leaf_in(certificate.cert).fingerprint == deployed.fingerprint:
            return deployed.differences
        parts = (certificate.fullchain,) if certificate.fullchain else (certificate.cert, certificate.chain)
        return differences_from(deployed.traits, b"".join(content(path) for path in parts if path))
    except DeployError:  # which is said of the certificate itself
        return ()


def _lost(deployed: Delivery, deployment: Deployment) -> tuple[str, ...]:
    """Which of the files on this machine are not what was brought there."""
    kind = load(deployment.kind)
    if not isinstance(kind, Local):
        return ()
    return tuple(kind.lost(deployment.options, deployed.certificate.domain, deployed.fingerprint))


_AS_ROOT = (
    "run it as who runs the client (sudoers: nagios ALL=(root) NOPASSWD: /opt/dns01/bin/dns01 status), "
    "or have root's timer write --prometheus"
)


def _targets(environ: Mapping[str, str]) -> tuple[tuple[Deployment, ...] | None, list[Problem]]:
    """What the configuration says; None where that cannot be read, with the reason."""
    try:
        return outline_deployments(environ), []
    except ConfigError as error:
        return None, [_unreadable("configuration", str(error), error.hint)]


def _service(target: Deployment) -> str:
    """What can be looked at to see what came of it."""
    return target.verify or (target.options["server"] if target.kind == "verify" else "")


def _search(above: str) -> tuple[list[str], list[Problem]]:
    """The certificates in the folder, and in those that it holds; and which of these cannot be read."""
    try:
        folders = (entry for entry in os.scandir(above) if entry.is_dir())
        beneath = sorted(entry.path for entry in folders if entry.name != certificate_paths.UACME_KEYS)
    except OSError as error:
        step = "name the folder that holds it" if isinstance(error, FileNotFoundError) else _AS_ROOT
        return [], [_unreadable(above, f"{above} cannot be read: {error.strerror}", step)]
    found, problems = [], []
    for folder in (above, *beneath):
        try:
            inside = os.listdir(folder)
        except OSError as error:
            problems.append(_unreadable(folder, f"{folder} cannot be read: {error.strerror}", _AS_ROOT))
            continue
        found += [os.path.join(folder, file) for file in certificate_paths.certificates_among(inside)]
    return found, problems


def _known(
    path: str, name: str, destinations: Iterable[CertificateTarget], environ: Mapping[str, str]
) -> tuple[Known, list[Problem]]:
    """The certificate at the path, and why it cannot be read where that is so."""
    folder = os.path.basename(os.path.dirname(path))
    try:
        leaf = leaf_in(path)
    except DeployError as error:
        hint = error.hint
        if not os.path.lexists(path):
            hint = f"if it is no longer wanted, remove what {state_dir(environ)}/deployed has of it"
        unreadable = [_unreadable(path, str(error), hint)]
        return Known(name or folder, path, None, tuple(destinations)), unreadable
    called = folder if folder in leaf.names or not leaf.names else leaf.names[0]
    return Known(name or called, path, leaf, tuple(destinations), _issuer(path)), []


def _issuer(path: str) -> IssuerCertificate | None:
    with suppress(DeployError):  # of files that the certificate does without
        return issuer_in(path, certificate_paths.chains_of(path))
    return None


def _same(path: str) -> str:
    """One path for each certificate, whichever way leads to its folder."""
    folder, file = os.path.split(path)
    return os.path.join(os.path.realpath(folder), file)


def _corrupt(path: str) -> Problem:
    text = f"a certificate may be missing here: the file about its deployment is corrupt and lies at {path}"
    hint = f"bring it once more, dns01 deploy NAME, then: rm {shlex.quote(path)}"
    return Problem(Level.WARNING, f"file {path}", "corrupt", text, hint)


def _unreadable(what: str, text: str, hint: str = "name the folder that has cert.pem in it") -> Problem:
    return Problem(Level.UNKNOWN, f"file {what}", "unreadable", text, hint)
