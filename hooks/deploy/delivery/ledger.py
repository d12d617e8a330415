"""Which certificate was brought where, and what is still to be: a small fsynced JSON file for each.

::

    STATE/deployed/  one file for each certificate and target: what is there, and since when
    STATE/pending/   the same from before the target is touched until all is well, with the last error
    STATE/locks/     one file for each target, held with flock

No file holds a secret. A pending one that is there although all is well costs one needless try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from ...clients.call import Certificate
from ...clients.process import ClientProcess
from ...state.atomic import iso, labelled, readable
from ...state.locks import locks
from ...state.store import RecordKind, Store
from ..section import Deployment

LOCK_TIMEOUT = 120.0  # seconds

# How far a delivery has come. TOUCHED: the target may have the new or the old. INSTALLED: it has
# the new, which has passed its test; its service is still to be reloaded.
DeliveryStep = Literal["untouched", "touched", "installed"]
UNTOUCHED: DeliveryStep = "untouched"
TOUCHED: DeliveryStep = "touched"
INSTALLED: DeliveryStep = "installed"


# Fields that older versions did not write: an empty one is not written, so that theirs are as they were.
ADDED = ("traits", "differences")


class Delivery(NamedTuple):
    """One certificate on its way to one target, or there.

    ``digest`` stands for all that was brought, and for how: what has the same need not be brought
    again. ``fingerprint``: the certificate's own. ``traits``: what clients may rely on in it
    (``differences.Traits``, as JSON has it); ``differences``: what it lacked of that before it. Times are
    in epoch seconds.
    """

    certificate: Certificate
    pattern: str  # of the section; both are empty where the configuration could not be read
    target: str
    digest: str = ""
    fingerprint: str = ""
    step: DeliveryStep = UNTOUCHED
    since: float = 0.0  # when it was brought, or first tried
    tried: float = 0.0
    tries: int = 0
    error: str = ""
    client: ClientProcess | None = None
    forced: bool = False  # brought although it was there: a later try does the same
    traits: Mapping[str, Any] = {}
    differences: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What the delivery is stored under: another one of the same key takes its place."""
        return self.certificate.domain, self.pattern, self.target

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.certificate.domain} → {self.target or 'its targets'}"


class Ledger:
    """The deliveries of one state folder. Every method may raise StateError."""

    def __init__(self, state: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._state = state
        self._sleep = sleep
        self._deployed = Store(state, _kind("deployed"))
        self._pending = Store(state, _kind("pending"))

    def deployed(self) -> list[Delivery]:
        """The last delivery that arrived at each target, by domain and target."""
        return self._deployed.all()

    def pending(self) -> list[Delivery]:
        """What is still to be done. A corrupt file is moved aside and said."""
        return self._pending.all()

    def corrupt(self) -> list[str]:
        """The paths of what was moved aside: what was brought where is not known of these."""
        return [*self._deployed.corrupt(), *self._pending.corrupt()]

    def find_deployed(self, delivery: Delivery) -> Delivery | None:
        """The last delivery of the same certificate to the same target that has arrived."""
        return self._deployed.get(delivery)

    def find_pending(self, delivery: Delivery) -> Delivery | None:
        """The pending delivery of the same certificate to the same target, if there is one."""
        return self._pending.get(delivery)

    def keep(self, deliveries: Iterable[Delivery]) -> None:
        """Write the deliveries to the disk as pending: all of them, or none and StateError."""
        self._pending.put(deliveries)

    def done(self, delivery: Delivery) -> None:
        """Record that the delivery has arrived, and is pending no more."""
        self._deployed.put([delivery])
        self.forget(delivery)

    def seen(self, certificate: Certificate) -> None:
        """Record that the target has been compared with the certificate just now."""
        for delivery in self._deployed.all(f"{readable(certificate.domain)}_"):
            if delivery.certificate.domain == certificate.domain:
                self._deployed.touch(delivery)

    def forget(self, delivery: Delivery) -> None:
        """Remove the pending delivery, which nothing more is to be done about."""
        self._pending.remove([delivery])

    @contextmanager
    def lock(self, deployments: Iterable[Deployment]) -> Iterator[None]:
        """Hold the targets against every other process of this machine, in sorted order, so that
        no two processes wait for each other. Raises StateError, which names the holder."""
        things = {f"deploy {each.pattern} {each.name}": f"the target {each.name}" for each in deployments}
        with locks(self._state, things, LOCK_TIMEOUT, self._sleep):
            yield


def _encode(delivery: Delivery) -> dict[str, Any]:
    fields = delivery._asdict()
    for added in ADDED:
        if not fields[added]:
            del fields[added]
    return {
        **fields,
        "certificate": delivery.certificate._asdict(),
        "client": delivery.client and delivery.client._asdict(),
        "tried_at": iso(delivery.tried),
    }


def _decode(data: Mapping[str, Any]) -> Delivery:
    certificate = Certificate(**data["certificate"])
    return Delivery(**{field: data[field] for field in Delivery._fields if field not in ADDED})._replace(
        traits=data.get("traits", {}),
        differences=tuple(data.get("differences", ())),
        certificate=certificate._replace(names=tuple(certificate.names)),
        client=data["client"] and ClientProcess(**data["client"]),
    )


def _kind(folder: str) -> RecordKind[Delivery]:
    return RecordKind(
        folder,
        _encode,
        _decode,
        lambda delivery: labelled(
            f"{delivery.certificate.domain} {delivery.target}", "\n".join(delivery.key)
        ),
        "a file about a deployment",
        "run dns01 deploy",
    )
