"""Which certificate was brought where, and what is still to be: a small fsynced JSON file for each.

::

    STATE/deployed/  one file for each certificate and target: what is there, and since when
    STATE/pending/   the same from before the target is touched until all is well, with the last error
    STATE/locks/     one file for each target, held with flock

No file holds a secret. A kill at any instant leaves whole files only; a pending one that is there
although all is well costs one needless try.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from ...output import warning
from ..clients.call import Certificate
from ..clients.process import Client
from ..state.atomic import discard, iso, labelled, locks, stage, sync_folder, usable
from ..state.folder import private_folder
from .section import Deployment

VERSION = 1
LOCK_TIMEOUT = 120.0

# How far a delivery has come. TOUCHED: the target may have the new or the old. INSTALLED: it has
# the new, which has passed its test; its service is still to be reloaded.
UNTOUCHED, TOUCHED, INSTALLED = "untouched", "touched", "installed"


class Delivery(NamedTuple):
    """One certificate on its way to one target, or there.

    ``digest`` stands for all that was brought, and for how: what has the same need not be brought
    again. ``fingerprint``: the certificate's own. Times are in epoch seconds.
    """

    certificate: Certificate
    pattern: str  # of the section; both are empty where the configuration could not be read
    target: str
    digest: str = ""
    fingerprint: str = ""
    step: str = UNTOUCHED
    since: float = 0.0  # when it was brought, or first tried
    tried: float = 0.0
    tries: int = 0
    error: str = ""
    client: Client | None = None
    forced: bool = False  # brought although it was there: a later try does the same

    @property
    def key(self) -> tuple[str, str, str]:
        """Whose it is: another one of the same key takes its place."""
        return self.certificate.domain, self.pattern, self.target

    @property
    def title(self) -> str:
        return f"{self.certificate.domain} → {self.target or 'its targets'}"


class Ledger:
    """The deliveries of one state folder. Every method may raise StateError."""

    def __init__(self, state: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._state = state
        self._sleep = sleep

    def deployed(self) -> list[Delivery]:
        """What was brought somewhere, by domain and target."""
        return self._all("deployed")

    def pending(self) -> list[Delivery]:
        """What is still to be done. A corrupt file is moved aside and said."""
        return self._all("pending")

    def find_deployed(self, delivery: Delivery) -> Delivery | None:
        """The last of its kind that was brought there."""
        return self._find("deployed", delivery)

    def find_pending(self, delivery: Delivery) -> Delivery | None:
        """How far it has come, if it is not done."""
        return self._find("pending", delivery)

    def keep(self, deliveries: Iterable[Delivery]) -> None:
        """Have them on the disk as pending: all of them, or none and StateError."""
        self._write("pending", deliveries)

    def done(self, delivery: Delivery) -> None:
        """It is there: remember that, and that nothing is left to be done."""
        self._write("deployed", [delivery])
        self.forget(delivery)

    def seen(self, certificate: Certificate) -> None:
        """Remember that what is there has been compared with the certificate just now."""
        with usable(self._state):
            for delivery in self.deployed():
                if delivery.certificate.domain == certificate.domain:
                    os.utime(self._path("deployed", _file_name(delivery)))

    def forget(self, delivery: Delivery) -> None:
        """Nothing is left to be done about it."""
        with usable(self._state):
            discard(self._path("pending", _file_name(delivery)))

    @contextmanager
    def lock(self, deployments: Iterable[Deployment]) -> Iterator[None]:
        """Hold the targets against every other process of this machine, in sorted order, so that
        no two processes wait for each other. Raises StateError, which names the holder."""
        things = {f"deploy {each.pattern} {each.name}": f"the target {each.name}" for each in deployments}
        with locks(self._state, things, LOCK_TIMEOUT, self._sleep):
            yield

    def _all(self, folder: str) -> list[Delivery]:
        with usable(self._state):
            try:
                names = sorted(os.listdir(self._path(folder)))
            except FileNotFoundError:
                return []
            read = [self._read(folder, name) for name in names if name.endswith(".json")]
        return [delivery for delivery in read if delivery]

    def _find(self, folder: str, delivery: Delivery) -> Delivery | None:
        with usable(self._state):
            return self._read(folder, _file_name(delivery))

    def _read(self, folder: str, name: str) -> Delivery | None:
        try:
            with open(self._path(folder, name), "rb") as file:
                content = file.read()
        except FileNotFoundError:  # done by another process since the folder was listed
            return None
        try:
            data = json.loads(content)
            if data["version"] > VERSION:
                warning(f"{self._path(folder, name)} was written by a newer dns01 and is left to it")
                return None
            return _decode(data)
        except (LookupError, RecursionError, TypeError, ValueError) as error:
            aside = self._path(private_folder(self._path("corrupt")), name)
            with suppress(FileNotFoundError):  # another process did it
                os.rename(self._path(folder, name), aside)
            warning(f"a file about a deployment is corrupt ({error!r}) and lies at {aside}: run dns01 deploy")
            return None

    def _write(self, folder: str, deliveries: Iterable[Delivery]) -> None:
        staged: dict[str, str] = {}
        if not (deliveries := list(deliveries)):
            return
        with usable(self._state):
            private_folder(self._path(folder))
            try:
                for delivery in deliveries:
                    path = self._path(folder, _file_name(delivery))
                    staged[path] = stage(path, _encode(delivery))
            except BaseException:
                for temporary in staged.values():
                    discard(temporary)
                raise
            for path, temporary in staged.items():
                os.rename(temporary, path)
            sync_folder(self._path(folder))

    def _path(self, *parts: str) -> str:
        return os.path.join(self._state, *parts)


def _encode(delivery: Delivery) -> dict[str, Any]:
    return {
        "version": VERSION,
        **delivery._asdict(),
        "certificate": delivery.certificate._asdict(),
        "client": delivery.client and delivery.client._asdict(),
        "tried_at": iso(delivery.tried),
    }


def _decode(data: Mapping[str, Any]) -> Delivery:
    certificate = Certificate(**data["certificate"])
    delivery = Delivery(**{field: data[field] for field in Delivery._fields})._replace(
        certificate=certificate._replace(names=tuple(certificate.names)),
        client=data["client"] and Client(**data["client"]),
    )
    if json.loads(json.dumps(_encode(delivery))) != data:
        raise ValueError("it is not as it was written")
    return delivery


def _file_name(delivery: Delivery) -> str:
    return labelled(f"{delivery.certificate.domain} {delivery.target}", "\n".join(delivery.key))
