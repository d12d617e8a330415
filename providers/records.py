"""The base of providers whose API keeps records one by one, and what it shares with that of RRsets."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from ..errors import AuthRejected, Busy, ProviderError
from ..names import ancestors as ancestors
from ._character_strings import unquoted
from .base import T, TxtRecord, Zone, by_name, dns_name, longest_suffix

READINGS = 8  # of what others write to as well, before giving up
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds before the third reading, and before any: at most


@contextmanager
def after_writing() -> Iterator[None]:
    """Around what comes after a change: that it is refused does not mean that the change was."""
    try:
        yield
    except ProviderError as error:
        error.definite = False
        raise


class ZoneProvider:
    """What the two bases have in common: which zone a name is in, and one step for each name."""

    account = ""  # what the configuration calls the account
    least_ttl = 0  # seconds, that the API takes; a shorter TTL is raised to it
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def zones(self) -> Iterable[Zone]:
        """All zones that the account sees."""
        raise NotImplementedError

    def zone_at(self, apex: str) -> Zone | None:
        """The zone with exactly this apex, where the API can be asked for one: credentials that
        are limited to a zone need not see the others, and many zones are many pages."""
        return None

    def zone_for(self, name: str) -> Zone:
        for apex in ancestors(name):
            # Credentials for one zone may be refused for another; the list tells whether for all.
            with suppress(AuthRejected):
                if zone := self.attempt(name, partial(self._zone_at, apex)):
                    return zone
        return longest_suffix(self.attempt(name, self.zones_seen), name, self.whose)

    def zones_seen(self) -> list[Zone]:
        """``zones``, with names as the DNS has them. Raises TypeError for what is no name."""
        return [zone._replace(apex=dns_name(zone.apex)) for zone in self.zones()]

    def _zone_at(self, apex: str) -> Zone | None:
        zone = self.zone_at(apex)
        return zone._replace(apex=dns_name(zone.apex)) if zone else None

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        for name, wanted in by_name(records).items():
            self.attempt(zone.apex, partial(self._add, zone, name, wanted))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        for name, unwanted in by_name(records).items():
            self.attempt(zone.apex, partial(self._remove, zone, name, unwanted))

    def readings(self) -> Iterator[int]:
        """Count the readings of what others write to as well. There is no pause before the first one and
        the one after the first write, but ever longer pauses before the others: an API may be slow to
        show what was written, and somebody else may be writing."""
        for number in range(READINGS):
            if number > 1:
                longest = min(FIRST_PAUSE * 2 ** (number - 2), LONGEST_PAUSE)
                self.sleep(random.uniform(longest / 2, longest))
            yield number

    def attempt(self, about: str, step: Callable[[], T]) -> T:
        """Take one step, which is ``about`` a zone or a name. Every step reads before it writes,
        so that a base which knows of errors that pass may repeat it from its start."""
        return step()

    @property
    def whose(self) -> str:
        """The account, as messages name it."""
        provider = type(self).__module__.rpartition(".")[2]
        return f"account {self.account} ({provider})" if self.account else provider

    def _add(self, zone: Zone, name: str, wanted: Sequence[TxtRecord]) -> None:
        """Have the records at one name."""
        raise NotImplementedError

    def _remove(self, zone: Zone, name: str, unwanted: Sequence[TxtRecord]) -> None:
        """Have the records at one name no more."""
        raise NotImplementedError


class RecordProvider(ZoneProvider):
    """The verbs for an API that keeps records one by one, each with an id of its own."""

    def texts(self, zone: Zone, name: str) -> Iterable[tuple[str, str]]:
        """(id, value) of every TXT record at ``name``; the value quoted or not."""
        raise NotImplementedError

    def create(self, zone: Zone, record: TxtRecord) -> None:
        """Add one record; that it is already there is no error."""
        raise NotImplementedError

    def delete(self, zone: Zone, name: str, id: str) -> None:
        """Remove one record; that it is already gone is no error."""
        raise NotImplementedError

    def lists(self, zone: Zone, record: TxtRecord) -> bool:
        """Whether the record is among those that are there."""
        return record.value in {unquoted(value) for _, value in self.texts(zone, record.name)}

    @property
    def _created(self) -> defaultdict[tuple[Zone, str], set[str]]:
        """The values that this process has created, at each name: some APIs show them a while later."""
        created: defaultdict[tuple[Zone, str], set[str]]
        created = vars(self).setdefault("created", defaultdict(set))  # in one step: threads share it
        return created

    @property
    def _deleted(self) -> defaultdict[tuple[Zone, str], set[str]]:
        """The ids of what it has deleted: some APIs show that for a while."""
        deleted: defaultdict[tuple[Zone, str], set[str]]
        deleted = vars(self).setdefault("deleted", defaultdict(set))
        return deleted

    def _add(self, zone: Zone, name: str, wanted: Sequence[TxtRecord]) -> None:
        created = self._created[zone, name]
        present = {unquoted(value) for _, value in self.texts(zone, name)} | created
        for record in wanted:
            if record.value not in present:
                self.create(zone, record._replace(ttl=max(record.ttl, self.least_ttl)))
                present.add(record.value)
                created.add(record.value)
                self._deleted[zone, name].clear()  # where the id is the value, it may be the same again

    def _remove(self, zone: Zone, name: str, unwanted: Sequence[TxtRecord]) -> None:
        created, deleted = self._created[zone, name], self._deleted[zone, name]
        values = {record.value for record in unwanted}
        shown = [(id, unquoted(value)) for id, value in self.texts(zone, name)]
        for id, value in shown:
            if value in values and id not in deleted:
                self.delete(zone, name, id)
                deleted.add(id)
        late = values & created - {value for _, value in shown}
        created -= values - late
        if late:
            raise Busy(
                f"{self.whose}: what was published at {name} a moment ago is not shown yet",
                "unless somebody else has removed it: try again later",
            )
