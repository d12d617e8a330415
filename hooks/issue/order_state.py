"""What is kept of each certificate between two runs: its order, and its key until it is issued.

::

    STATE/orders/NAME-….json   one fsynced file for each certificate, mode 0600, written before the CA hears
    STATE/orders/events.jsonl  what the CA's limits count

A kill at any instant leaves whole files only. The private key of an order is in its file until the
certificate is; then it is in the certificate's folder alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from ...regular_file import open_regular
from ..clients.ca_rate_limits import LONGEST_WINDOW
from ..state.atomic import APPENDING, iso, labelled, stage_text, usable
from ..state.folder import private_folder
from ..state.locks import locks
from ..state.store import RecordKind, Store
from .planning.limits import Event

FOLDER = "orders"
EVENTS = "events.jsonl"
LONGEST_EVENT = 1 << 20  # octets of a line
LARGEST_EVENTS = 1 << 30  # octets of all
LIMITED = "(rateLimited)"  # as the error of a CA that takes no more says its type
INTERNAL = "(serverInternal)"


class OrderState(NamedTuple):
    """What is kept of a certificate between two runs. ``order``: its URL, once the CA has given it; ``key``:
    the private key in PEM, while an order is open. ``failures``: in a row, and ``next_try``: not before that.
    ``undelivered``: issued, and not yet given to the deploy wing. Times are in epoch seconds."""

    name: str
    names: tuple[str, ...] = ()
    directory: str = ""
    order: str = ""
    key: str = ""
    replaces: str = ""
    begun: float = 0.0
    failures: int = 0
    next_try: float = 0.0
    error: str = ""
    undelivered: bool = False

    @property
    def is_open(self) -> bool:
        """Whether an order has been begun, and has not come to its end."""
        return bool(self.begun)

    @property
    def is_limited(self) -> bool:
        """Whether ``next_try`` is the CA's word (RFC 8555 §6.6), and no back-off of our own."""
        return LIMITED in self.error

    @property
    def may_not_replace(self) -> bool:
        """Whether the last try met a fault of the CA's own: for some, that is what the certificate to be
        replaced leads to, each time."""
        return INTERNAL in self.error

    def closed(self) -> OrderState:
        """This state without its order."""
        return self._replace(names=(), order="", key="", replaces="", begun=0.0)


class OrderStates:
    """The files of one state folder. Every method may raise StateError."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._folder = os.path.join(state, FOLDER)
        self._store = Store(state, KIND)

    def read(self, name: str) -> OrderState:
        """What is kept of the certificate; nothing, where it is unknown."""
        return self._store.get(OrderState(name)) or OrderState(name)

    def all(self) -> dict[str, OrderState]:
        """What is kept of each certificate, by its name."""
        return {each.name: each for each in self._store.all()}

    def write(self, kept: OrderState) -> None:
        """Write the state; it is on the disk when this returns."""
        self._store.put([kept])

    def finalizing(self, kept: OrderState) -> None:
        """Called before the CA is told to issue; a fleet notes it in the database."""

    def delivered(self, names: Iterable[str]) -> None:
        """Record that the certificates were given to the deploy wing."""
        self._store.put([self.read(name)._replace(undelivered=False) for name in names])

    def events(self, account: str, now: float) -> list[Event]:
        """What the account's CA counts at this time, oldest first."""
        return [event for owner, event in self._events() if owner == account and _counts(event, now)]

    def count(self, account: str, event: Event) -> None:
        """Append an event that the CA's limits count."""
        with usable(self._state):
            private_folder(self._folder)
            file = os.open(os.path.join(self._folder, EVENTS), APPENDING, 0o600)
            try:
                os.write(file, _line(account, event))
            finally:
                os.close(file)

    def prune(self, now: float) -> None:
        """Forget the events that no limit counts any more, and what a killed process was writing."""
        self._store.purge(now)
        kept = [_line(owner, event) for owner, event in self._events() if _counts(event, now)]
        path = os.path.join(self._folder, EVENTS)
        with usable(self._state):
            private_folder(self._folder)
            os.rename(stage_text(path, b"".join(kept).decode()), path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the states against other runs of this machine. Raises StateError, which names the holder."""
        with locks(self._state, {"issue": "dns01 issue"}, 0.0, time.sleep):
            yield

    def _events(self) -> list[tuple[str, Event]]:
        found = []
        with (
            usable(self._state),
            suppress(FileNotFoundError, ValueError),  # no file: as if there were none
            open_regular(os.path.join(self._folder, EVENTS), os.O_NOFOLLOW) as file,
        ):
            if os.fstat(file.fileno()).st_size > LARGEST_EVENTS:
                return []
            for line in iter(lambda: file.readline(LONGEST_EVENT), b""):
                # A line that is no event costs a refusal at worst.
                with suppress(ValueError, TypeError, RecursionError):
                    owner, kind, at, names = json.loads(line)
                    found.append((str(owner), Event(kind, float(at), tuple(names))))
        return found


def _counts(event: Event, now: float) -> bool:
    """Whether a limit may count it. What is far ahead was written by a clock that was wrong."""
    return abs(event.at - now) < LONGEST_WINDOW


def _line(account: str, event: Event) -> bytes:
    return json.dumps([account, *event]).encode() + b"\n"


def _encode(kept: OrderState) -> dict[str, Any]:
    return {**kept._asdict(), "begun_at": iso(kept.begun)}


def _decode(data: Mapping[str, Any]) -> OrderState:
    kept = OrderState(**{field: data[field] for field in OrderState._fields})
    kept = kept._replace(names=tuple(kept.names))
    values = kept._asdict()
    for field, default in OrderState._field_defaults.items():
        if not isinstance(values[field], type(default)):
            raise TypeError(f"{field} is of another type")
    return kept


KIND = RecordKind(
    FOLDER,
    _encode,
    _decode,
    lambda kept: labelled(kept.name, kept.name),
    "the state of an order",
    "another one is ordered, if it is due",
)
