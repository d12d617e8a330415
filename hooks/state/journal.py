"""What is open: one small fsynced JSON file for each published value, readable at 3 a.m.

::

    STATE/open/       one file for each value, written before the provider is asked
    STATE/retracted/  one file for each name: when a value was last taken back there
    STATE/locks/      one file for each zone, held with flock (a local file system, not NFS)
    STATE/corrupt/    what could not be read, moved aside

A kill at any instant leaves whole files only: what is being written is called ``*.tmp`` until it
is on the disk, and counts for nothing. An entry that is there although its value never reached
the provider, or is gone from it already, costs one needless retraction.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from ...output import warning
from ..clients.process import Client, is_gone
from .atomic import discard, iso, labelled, locks, stage, sync_folder, usable
from .folder import private_folder

if TYPE_CHECKING:
    from ..clients.challenge import Challenge

VERSION = 1
OPEN, RETRACT = "open", "retract"
CA_MAY_ASK = 3600.0  # seconds: a pending authorization lives no longer
ABANDONED = 2 * CA_MAY_ASK
LOCK_TIMEOUT = 120.0


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
    client: Client | None
    opened: float = 0.0  # epoch seconds; set by Journal.open
    state: str = OPEN  # RETRACT once a clean-up has failed: any later call tries again
    tries: int = 0
    error: str = ""


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
        self._warn = warn
        self._said: set[str] = set()

    def open(self, entries: Iterable[Entry]) -> list[Entry]:
        """Write the entries to the disk: all of them, or none and StateError. Gives them as
        written, with the time. An entry of an earlier run for the same value is overwritten."""
        now = float(self._clock())
        fresh = [entry._replace(opened=now, state=OPEN, tries=0, error="") for entry in entries]
        staged: dict[str, str] = {}
        known: set[str] = set()
        with usable(self._state):
            folder = private_folder(self._path("open"))
            try:
                known.update(os.listdir(folder))
                for entry in fresh:
                    path = self._path("open", _file_name(entry))
                    staged[path] = stage(path, _encode(entry))
                for path, temporary in staged.items():
                    os.rename(temporary, path)
                sync_folder(folder)
            except BaseException:
                for path, temporary in staged.items():
                    discard(temporary)
                    if os.path.basename(path) not in known:
                        discard(path)
                raise
        return fresh

    def entries(self) -> list[Entry]:
        """All that is open. A corrupt file is moved aside and said, never an error; what a newer
        version wrote is said and left alone."""
        with usable(self._state):
            try:
                names = sorted(os.listdir(self._path("open")))
            except FileNotFoundError:
                return []
            read = [self._read(name) for name in names if name.endswith(".json")]
        return [entry for entry in read if entry]

    def unchanged(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of the entries that no process has dealt with since they were read."""
        with usable(self._state):
            return [entry for entry in entries if self._read(_file_name(entry)) == entry]

    def find(self, challenges: Iterable[Challenge]) -> dict[Challenge, list[Entry]]:
        """The entries of each challenge, by name and value; by its token where there is no domain
        (dehydrated until 0.6.1 cleans up so after an HTTP error)."""
        by_token: dict[str, list[Entry]] = defaultdict(list)
        by_value: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in self.entries():
            by_token[entry.token].append(entry)
            by_value[entry.name, entry.value].append(entry)
        return {
            challenge: by_value[challenge.name, challenge.validation]
            if challenge.domain
            else by_token[challenge.token]
            for challenge in challenges
        }

    def of(self, client: Client) -> list[Entry]:
        """The entries of this run of the client."""
        return [entry for entry in self.entries() if entry.client and _run(entry.client) == _run(client)]

    def orphans(self) -> list[Entry]:
        """What any call may take back: its clean-up has failed, its client is gone, or it is so
        old that nobody asks for it any more.

        To be asked again under the zone's lock: another process may have been quicker.
        """
        overdue = self._clock() - ABANDONED
        return [
            entry
            for entry in self.entries()
            if entry.state == RETRACT or entry.opened < overdue or (entry.client and is_gone(entry.client))
        ]

    def close(self, entries: Sequence[Entry]) -> None:
        """Forget the entries that the provider has taken back, and remember when that was."""
        with suppress(OSError):  # a full disk keeps us from remembering, not from closing
            self._remember(entries)
        self.forget(entries)
        with usable(self._state):
            self._purge()

    def failed(self, entry: Entry, error: str) -> None:
        """The entry was to be taken back, and the provider refused: any later call tries again.

        Nothing is done if another process has dealt with the entry since it was read.
        """
        marked = entry._replace(state=RETRACT, tries=entry.tries + 1, error=error)
        name = _file_name(entry)
        with usable(self._state):
            if self._read(name) == entry:
                os.rename(stage(self._path("open", name), _encode(marked)), self._path("open", name))

    def forget(self, entries: Iterable[Entry]) -> None:
        """Drop the entries: no CA has asked for them, or nobody can take them back any more."""
        with usable(self._state):
            for entry in entries:
                discard(self._path("open", _file_name(entry)))

    def retracted_at(self, target: str) -> float:
        """When (epoch seconds) a value that a CA may have asked for was last taken back at
        ``target``; 0 if none was."""
        try:
            with open(self._path("retracted", labelled(target, target)), "rb") as file:
                return float(json.load(file)["retracted"])
        except (OSError, LookupError, TypeError, ValueError):
            return 0.0

    @contextmanager
    def lock(self, *zones: str, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
        """Hold the zones, given by apex, against every other process of this machine.

        They are taken in sorted order, so that no two processes wait for each other. Raises
        StateError, which names the holder, when one is not free within ``timeout`` seconds.
        """
        things = {zone or "root": f"the zone {zone}" for zone in zones}
        with locks(self._state, things, timeout, self._sleep):
            yield

    def _read(self, name: str) -> Entry | None:
        try:
            with open(self._path("open", name), "rb") as file:
                content = file.read()
        except FileNotFoundError:  # closed by another process since the folder was listed
            return None
        try:
            data = json.loads(content)
            if data["version"] > VERSION:
                self._say_once(f"{self._path('open', name)} was written by a newer dns01 and is left to it")
                return None
            entry = _decode(data)
            if _file_name(entry) != name:
                raise ValueError("its name is that of another")
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            self._set_aside(name, error)
            return None
        return entry

    def _set_aside(self, name: str, error: Exception) -> None:
        path, aside = self._path("open", name), self._path("corrupt", name)
        try:
            private_folder(self._path("corrupt"))
            os.rename(path, aside)
        except FileNotFoundError:  # another process did it
            return
        except OSError:
            aside = f"{path} (it cannot be moved)"
        self._say_once(
            f"a journal file is corrupt ({error!r}) and lies at {aside};"
            " if it names a record, see whether that is still in its zone"
        )

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._warn(text)

    def _remember(self, entries: Sequence[Entry]) -> None:
        private_folder(self._path("retracted"))
        for target in {entry.target for entry in entries}:
            # Nobody asked for an orphan after its authorization had expired: no cache holds it.
            asked = max(entry.opened for entry in entries if entry.target == target) + CA_MAY_ASK
            at = max(min(self._clock(), asked), self.retracted_at(target))
            content = {"version": VERSION, "target": target, "retracted": at, "retracted_at": iso(at)}
            path = self._path("retracted", labelled(target, target))
            os.rename(stage(path, content, sync=False), path)

    def _purge(self) -> None:
        """Remove what a killed process was writing, and what no CA's cache can hold any more."""
        for folder, suffix in (("open", ".tmp"), ("retracted", "")):
            with suppress(FileNotFoundError), os.scandir(self._path(folder)) as files:
                for file in files:
                    if file.name.endswith(suffix) and file.stat().st_mtime < self._clock() - CA_MAY_ASK:
                        discard(file.path)

    def _path(self, *parts: str) -> str:
        return os.path.join(self._state, *parts)


def _run(client: Client) -> tuple[object, ...]:
    return client.pid, client.start, client.where


@cache  # it takes longer than all else that is done to read an entry
def _kinds() -> Mapping[type, Mapping[str, Any]]:
    return {row: get_type_hints(row) for row in (Entry, Client)}


def _encode(entry: Entry) -> dict[str, Any]:
    client = entry.client._asdict() if entry.client else None
    return {"version": VERSION, **entry._asdict(), "client": client, "opened_at": iso(entry.opened)}


def _decode(data: Mapping[str, Any]) -> Entry:
    client = data["client"] and Client(**data["client"])
    entry = Entry(**{**{field: data[field] for field in Entry._fields}, "client": client})
    for row in (entry, client):
        for field, kind in _kinds()[type(row)].items() if row else ():
            if not isinstance(getattr(row, field), kind):
                raise TypeError(f"{field} is {getattr(row, field)!r}")
    if _encode(entry) != data:
        raise ValueError("it is not as it was written")
    return entry


def _file_name(entry: Entry) -> str:
    return labelled(entry.name, "\n".join((entry.account, entry.target, entry.value)))
