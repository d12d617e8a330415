"""What is open: one small fsynced JSON file for each published value, readable at 3 a.m.

::

    STATE/open/       one file for each value, written before the provider is asked
    STATE/retracted/  one file for each name: when a value was last taken back there
    STATE/locks/      one file for each zone, held with flock (a local file system, not NFS)
    STATE/corrupt/    what could not be read, moved aside: into the folder's name that it was in

An entry that is there although its value never reached the provider, or is gone from it already,
costs one needless retraction.
"""

from __future__ import annotations

import os
import shlex
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_type_hints

from ...errors import StateError
from ...output import warning
from ..clients.process import ClientProcess
from .atomic import iso, labelled, readable, unlabelled
from .liveness import is_abandoned
from .locks import locks
from .store import MALFORMED, RecordKind, Store

if TYPE_CHECKING:
    from ..clients.challenge import Challenge

State = Literal["open", "retract"]
OPEN: State = "open"
RETRACT: State = "retract"  # a clean-up has failed: any later call tries again
CA_MAY_ASK = 3600.0  # seconds: a pending authorization lives no longer
LOCK_TIMEOUT = 120.0  # seconds


class Entry(NamedTuple):
    """One value that is published, or about to be, and all that is needed to take it back."""

    domain: str
    token: str
    name: str  # the owner name that the CA asks for
    target: str  # the owner name where the record stands
    value: str
    ttl: int
    account: str
    provider: str
    zone: str  # its apex
    zone_id: str
    client: ClientProcess | None
    opened: float = 0.0  # epoch seconds; set by Journal.open
    state: State = OPEN
    tries: int = 0
    error: str = ""


def giving_up(entry: Entry) -> str:
    """The command that gives up what cannot be taken back."""
    return f"dns01 sweep --forget {shlex.quote(entry.domain or entry.name)}"


class Retraction(NamedTuple):
    """When (epoch seconds) a value that a CA may have asked for was last taken back at a name."""

    target: str
    retracted: float


class Corrupt(NamedTuple):
    """A file of the journal that could not be read. ``name``: of the record, as the file is called."""

    name: str
    path: str

    @property
    def text(self) -> str:
        """What a person is told of it."""
        return f"{self.name} may still be published: its journal file is corrupt and lies at {self.path}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return f"see whether it is still in the zone, remove it there, then: rm {shlex.quote(self.path)}"


class Journal:
    """The entries of one state folder. Every method may raise StateError."""

    def __init__(
        self,
        state: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        warn: Callable[[str], None] = warning,
    ) -> None:
        self._state = state
        self._clock = clock
        self._sleep = sleep
        self._open = Store(state, ENTRIES, warn)
        self._retracted = Store(state, RETRACTIONS, warn)

    def open(self, entries: Iterable[Entry]) -> list[Entry]:
        """Write the entries to the disk: all of them, or none and StateError. Returns them as
        written, with the time. An entry of an earlier run for the same value is overwritten."""
        now = float(self._clock())
        fresh = [entry._replace(opened=now, state=OPEN, tries=0, error="") for entry in entries]
        self._open.put(fresh)
        return fresh

    def entries(self) -> list[Entry]:
        """All entries that are open. A corrupt file is moved aside and said, never an error; what a newer
        version wrote is said and left alone."""
        return self._open.all()

    def corrupt(self) -> list[Corrupt]:
        """What was moved aside of the open ones: nobody takes their records back."""
        return [Corrupt(unlabelled(os.path.basename(path)), path) for path in self._open.corrupt()]

    def unchanged(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the entries that no process has dealt with since they were read."""
        return [entry for entry in entries if self._open.get(entry) == entry]

    def known(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the entries whose value an earlier run has opened in the same place."""
        return [entry for entry in entries if self._open.get(entry)]

    def find(self, challenges: Iterable[Challenge]) -> dict[Challenge, list[Entry]]:
        """The entries of each challenge, by name and value; by its token where there is no domain
        (dehydrated until 0.6.1 cleans up so after an HTTP error)."""
        wanted = list(challenges)
        named: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        prefixes = {f"{readable(each.name)}-" for each in wanted if each.domain}
        for entry in self._open.all(*prefixes) if prefixes else ():  # every file is called after its name
            named[entry.name, entry.value].append(entry)
        return {
            each: named[each.name, each.validation] if each.domain else self._of_token(each.token)
            for each in wanted
        }

    def _of_token(self, token: str) -> list[Entry]:
        return self._selected(lambda data: data["token"] == token)

    def of(self, client: ClientProcess) -> list[Entry]:
        """The entries of this run of the client."""
        run = _run(client._asdict())
        return self._selected(lambda data: data["client"] is not None and _run(data["client"]) == run)

    def open_elsewhere(self, client: ClientProcess | None) -> list[Entry]:
        """The entries of other clients' orders, which a CA may ask for at any time."""
        ours = client._asdict() if client else None
        return self._selected(lambda data: data["state"] == OPEN and data["client"] != ours)

    def kept(self) -> list[Entry]:
        """The entries that could not be taken back."""
        return self._selected(lambda data: data["state"] == RETRACT)

    def orphans(self) -> list[Entry]:
        """What any call may take back: its clean-up has failed, its client is gone, or that cannot be
        judged and it is so old that nobody asks for it any more.

        To be asked again under the zone's lock: another process may have been quicker.
        """
        now = self._clock()
        left = cache(lambda client, opened: is_abandoned(client, opened, now))

        def is_orphan(data: Mapping[str, Any]) -> bool:
            client = ClientProcess(**data["client"]) if data["client"] else None
            return bool(data["state"] == RETRACT or left(client, data["opened"]))

        return self._selected(is_orphan)

    def close(self, entries: Sequence[Entry]) -> None:
        """Forget the entries that the provider has taken back, and remember when that was."""
        with suppress(StateError):  # a full disk keeps us from remembering, not from closing
            self._remember(entries)
        self.forget(entries)
        self._purge()

    def failed(self, entry: Entry, error: str) -> None:
        """The entry was to be taken back, and the provider refused: any later call tries again.

        Nothing is done if another process has dealt with the entry since it was read.
        """
        if self._open.get(entry) == entry:
            self._open.put([entry._replace(state=RETRACT, tries=entry.tries + 1, error=error)])

    def forget(self, entries: Iterable[Entry]) -> None:
        """Drop the entries: no CA has asked for them, or nobody can take them back any more."""
        self._open.remove(entries)

    def retracted_at(self, target: str) -> float:
        """When (epoch seconds) a value that a CA may have asked for was last taken back at
        ``target``; 0 if none was."""
        try:
            found = self._retracted.get(Retraction(target, 0.0))
        except StateError:
            return 0.0
        return found.retracted if found else 0.0

    @contextmanager
    def lock(self, *zones: str, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
        """Hold the zones, given by apex, against every other process of this machine.

        They are taken in sorted order, so that no two processes wait for each other. Raises
        StateError, which names the holder, when one is not free within ``timeout`` seconds.
        """
        things = {zone or "root": f"the zone {zone}" for zone in zones}
        with locks(self._state, things, timeout, self._sleep):
            yield

    def _selected(self, wanted: Callable[[Mapping[str, Any]], bool]) -> list[Entry]:
        """The entries whose JSON object is wanted. Only those are decoded: hundreds may be open that
        are no business of this call."""
        names = []
        for name, data in self._open.raw():
            try:
                if wanted(data):
                    names.append(name)
            except MALFORMED:
                names.append(name)  # to be set aside
        return [entry for name in names if (entry := self._open.named(name))]

    def _remember(self, entries: Sequence[Entry]) -> None:
        now, last = self._clock(), defaultdict[str, float](float)
        for entry in entries:
            # Nobody asked for an orphan after its authorization had expired: no cache holds it.
            last[entry.target] = max(last[entry.target], min(now, entry.opened + CA_MAY_ASK))
        known = [Retraction(target, max(at, self.retracted_at(target))) for target, at in last.items()]
        self._retracted.put(known, sync=False)

    def _purge(self) -> None:
        """Remove what a killed process was writing, and what no CA's cache can hold any more."""
        expired = self._clock() - CA_MAY_ASK
        self._open.purge(expired)
        self._retracted.purge(expired, records=True)


def _run(client: Mapping[str, Any]) -> tuple[object, ...]:
    return client["pid"], client["start"], client["where"]


@cache  # it takes longer than all else that is done to read an entry
def _kinds() -> Mapping[type, Mapping[str, Any]]:
    return {row: get_type_hints(row) | {"state": str} for row in (Entry, ClientProcess, Retraction)}


def _checked(row: Entry | ClientProcess | Retraction) -> None:
    kinds = _kinds()[type(row)]
    for field, value in zip(row._fields, row, strict=True):
        if not isinstance(value, kinds[field]):
            raise TypeError(f"{field} is {value!r}")


def _encode(entry: Entry) -> dict[str, Any]:
    client = entry.client._asdict() if entry.client else None
    return {**entry._asdict(), "client": client, "opened_at": iso(entry.opened)}


def _decode(data: Mapping[str, Any]) -> Entry:
    client = ClientProcess(**data["client"]) if data["client"] else None
    entry = Entry(**{**{field: data[field] for field in Entry._fields}, "client": client})
    for row in (entry, client):
        if row:
            _checked(row)
    if entry.state not in get_args(State):
        raise ValueError(f"state is {entry.state!r}")
    return entry


def _decode_retraction(data: Mapping[str, Any]) -> Retraction:
    retraction = Retraction(data["target"], data["retracted"])
    _checked(retraction)
    return retraction


ENTRIES: RecordKind[Entry] = RecordKind(
    "open",
    _encode,
    _decode,
    lambda entry: labelled(entry.name, "\n".join((entry.account, entry.target, entry.value))),
    "a journal file",
    "if it names a record, see whether that is still in its zone",
)
RETRACTIONS: RecordKind[Retraction] = RecordKind(
    "retracted",
    lambda retraction: {**retraction._asdict(), "retracted_at": iso(retraction.retracted)},
    _decode_retraction,
    lambda retraction: labelled(retraction.target, retraction.target),
    "a file about a retraction",
    "nothing needs to be done",
)
