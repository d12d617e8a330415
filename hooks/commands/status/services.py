"""What services show now: many are looked at in parallel, and within a time that does not grow with them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from ....errors import DeployError, HookError
from ...deploy.certificate.leaf import Leaf, leaf_of

ALL_SERVICES_TIMEOUT = 10.0  # seconds for all of them
SERVICE_TIMEOUT = 5.0  # seconds for each answer of one
WORKERS = 16


class Wanted(NamedTuple):
    """A service, and the fingerprint of the certificate that it ought to show; empty: any."""

    service: str
    fingerprint: str = ""


class ServedCertificate(NamedTuple):
    """The certificate that a service shows. ``leaf``: None where it shows none, and ``error`` says why."""

    leaf: Leaf | None
    matches: bool = False
    error: str = ""


def served_certificates(
    wanted: Iterable[Wanted], within: float = ALL_SERVICES_TIMEOUT
) -> dict[Wanted, ServedCertificate]:
    """What each service shows; of one that takes longer it is only said that it does."""
    found = {
        each: ServedCertificate(None, error=f"{each.service} took more than {within:.0f} s")
        for each in wanted
    }
    waiting: queue.SimpleQueue[Wanted] = queue.SimpleQueue()
    for each in found:
        waiting.put(each)
    answers: queue.SimpleQueue[tuple[Wanted, ServedCertificate]] = queue.SimpleQueue()
    workers = [
        # One that hangs, in a name server's answer or drop by drop, is left to hang.
        threading.Thread(target=_work, args=(waiting, answers), daemon=True)
        for _ in range(min(WORKERS, len(found)))
    ]
    for worker in workers:
        worker.start()
    end = time.monotonic() + within
    try:
        for _ in found:
            each, shown = answers.get(timeout=max(0.0, end - time.monotonic()))
            found[each] = shown
    except queue.Empty:
        pass
    return found


def _work(
    waiting: queue.SimpleQueue[Wanted], answers: queue.SimpleQueue[tuple[Wanted, ServedCertificate]]
) -> None:
    while True:
        try:
            wanted = waiting.get_nowait()
        except queue.Empty:
            return
        answers.put((wanted, _shown(wanted)))


def _shown(wanted: Wanted) -> ServedCertificate:
    from ...deploy.service.served_certificate import live, verify

    try:
        leaf = leaf_of(live(wanted.service, SERVICE_TIMEOUT))
    except (HookError, ValueError) as error:
        return ServedCertificate(None, error=str(error))
    if not wanted.fingerprint or leaf.fingerprint == wanted.fingerprint:
        return ServedCertificate(leaf, matches=True)
    try:
        verify(wanted.service, wanted.fingerprint, 0)  # it may have one for each type of key
    except DeployError as error:
        return ServedCertificate(leaf, error=str(error))
    return ServedCertificate(leaf, matches=True)
