"""Every certificate that is known: those that were brought somewhere, and those in the clients' folders.

Only the certificates are read, never their keys, and nothing of the DNS accounts.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ....errors import ConfigError, DeployError, StateError
from ...clients import files
from ...clients.call import Certificate
from ...deploy.certificate import Leaf, leaf_in
from ...deploy.ledger import Delivery, Ledger
from ...deploy.section import outline_deployments
from ...issue.section import certificates_folder
from ...state.folder import state_dir
from .expiry import Level, Problem

FILES = ("cert.pem", "fullchain.pem")


class Destination(NamedTuple):
    """A target of a certificate's. ``deployed``: what was brought there last; ``pending``: what is
    still to be done. ``service``: what can be looked at to see what came of it."""

    target: str
    section: str
    deployed: Delivery | None
    pending: Delivery | None
    service: str = ""


class Known(NamedTuple):
    """A certificate. ``leaf``: None where it cannot be read, which is a problem then."""

    name: str
    path: str
    leaf: Leaf | None
    destinations: tuple[Destination, ...] = ()


class Inventory(NamedTuple):
    """All of them, and what could not be read on the way there."""

    certificates: tuple[Known, ...]
    problems: tuple[Problem, ...]


def take(given: Sequence[str], environ: Mapping[str, str]) -> Inventory:
    """``given``: folders of certificates, or folders that hold such; without any, those that
    dehydrated and certbot have."""
    problems: list[Problem] = []
    destinations = _destinations(environ, problems)
    paths = {_same(each.cert): each.domain for each in destinations}
    for above in given or _roots(environ):
        before = len(problems)
        found = _search(above, problems)
        if given and not found and len(problems) == before:
            problems.append(_unreadable(above, f"{above} has no certificate that can be read"))
        for path in found:
            paths.setdefault(_same(path), "")
    by_path: dict[str, list[Destination]] = defaultdict(list)
    for certificate, destination in destinations.items():
        by_path[_same(certificate.cert)] += destination
    known = [_known(path, name, by_path[path], environ, problems) for path, name in paths.items()]
    return Inventory(tuple(known), tuple(problems))


def _roots(environ: Mapping[str, str]) -> list[str]:
    """The folders of the clients' certificates that are there, and that of ``dns01 issue``."""
    found = files.roots(environ)
    with suppress(ConfigError):  # whoever may not read it need not
        found.append(certificates_folder(environ))
    return [folder for folder in dict.fromkeys(found) if os.path.isdir(folder)]


def _destinations(
    environ: Mapping[str, str], problems: list[Problem]
) -> dict[Certificate, list[Destination]]:
    """What was brought where, and what is still to be, by the last that is known of each certificate."""
    ledger = Ledger(state_dir(environ))
    try:
        deployed = {each.key: each for each in ledger.deployed()}
        pending = {each.key: each for each in ledger.pending()}
    except StateError as error:
        problems.append(_unreadable(state_dir(environ), str(error), _AS_ROOT))
        return {}
    services = _services(environ, problems) if deployed or pending else {}
    found: dict[Certificate, list[Destination]] = defaultdict(list)
    for key in dict.fromkeys((*deployed, *pending)):
        _, section, target = key
        there, still = deployed.get(key), pending.get(key)
        if still or services is None or (section, target) in services:
            certificate = (still or there or pending[key]).certificate
            service = (services or {}).get((section, target), "")
            found[certificate].append(Destination(target, section, there, still, service))
    return found


_AS_ROOT = (
    "run it as who runs the client (sudoers: nagios ALL=(root) NOPASSWD: /opt/dns01/bin/dns01 status), "
    "or have root's timer write --prometheus"
)


def _services(environ: Mapping[str, str], problems: list[Problem]) -> dict[tuple[str, str], str] | None:
    """What each target that is configured can be looked at by; None where that cannot be read."""
    try:
        targets = outline_deployments(environ)
    except ConfigError as error:
        problems.append(_unreadable("configuration", str(error), error.hint))
        return None
    return {
        (each.pattern, each.name): each.verify or (each.options["server"] if each.kind == "verify" else "")
        for each in targets
    }


def _search(above: str, problems: list[Problem]) -> list[str]:
    """The certificates in the folder, and in those that it holds."""
    try:
        beneath = sorted(entry.path for entry in os.scandir(above) if entry.is_dir())
    except OSError as error:
        problems.append(_unreadable(above, f"{above} cannot be read: {error.strerror}", _AS_ROOT))
        return []
    found = []
    for folder in (above, *beneath):
        try:
            inside = os.listdir(folder)
        except OSError as error:
            problems.append(_unreadable(folder, f"{folder} cannot be read: {error.strerror}", _AS_ROOT))
            continue
        found += [os.path.join(folder, file) for file in FILES if file in inside][:1]
    return found


def _known(
    path: str,
    name: str,
    destinations: Iterable[Destination],
    environ: Mapping[str, str],
    problems: list[Problem],
) -> Known:
    folder = os.path.basename(os.path.dirname(path))
    try:
        leaf = leaf_in(path)
    except DeployError as error:
        hint = error.hint
        if not os.path.lexists(path):
            hint = f"if it is no longer wanted, remove what {state_dir(environ)}/deployed has of it"
        problems.append(_unreadable(path, str(error), hint))
        return Known(name or folder, path, None, tuple(destinations))
    called = folder if folder in leaf.names or not leaf.names else leaf.names[0]
    return Known(name or called, path, leaf, tuple(destinations))


def _same(path: str) -> str:
    """One path for each certificate, whichever way leads to its folder."""
    folder, file = os.path.split(path)
    return os.path.join(os.path.realpath(folder), file)


def _unreadable(what: str, text: str, hint: str = "name the folder that has cert.pem in it") -> Problem:
    return Problem(Level.UNKNOWN, f"file {what}", "unreadable", text, hint)
