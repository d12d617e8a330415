"""What the bridges have in common: they know no zones, and lead to what is not ours."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import ClassVar

from ..errors import ProviderError, Unreachable
from .base import Look, Seen, TxtRecord, Zone
from .records import ZoneProvider

Failures = dict[TxtRecord, ProviderError]

LOOK_PAUSES = (
    1.0,
    2.0,
    4.0,
    8.0,
    15.0,
    30.0,
)  # seconds between two looks: an API may be slow to tell its servers
VALIDATION = re.compile("[A-Za-z0-9_-]{43}")  # RFC 8555 §8.4


class Bridge(ZoneProvider):
    """A zone is what the caller found it to be in the DNS: there is no list of an account's zones
    to compare it with."""

    knows_zones = False

    def zone_for(self, name: str) -> Zone:
        return Zone(name)


class ProgramBridge(Bridge):
    """To a program that adds one record or removes one, and never tells which there are: only the
    zone's own servers do.

    After publishing, nothing is looked at: the wait for those servers does that anyway. After
    retracting it is, for the program may have said yes and removed nothing (the record has to stay
    in the journal then), failed because there was nothing to remove (which is success), or removed
    every value at the name: the challenge of another order is then put back.
    """

    adds: ClassVar[str]  # the program's words for its two verbs
    removes: ClassVar[str]
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self) -> None:
        self._look: Look = lambda names: {}
        self._added: set[tuple[str, str]] = set()

    def observe(self, look: Look) -> None:
        self._look = look

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        for record in records:
            self.run(self.adds, record)
            self._added.add((record.name, record.value))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        names = {record.name for record in records}
        before = self._look(names)
        failures = self._remove_each(records)
        after = self._look_until_gone(names, [record for record in records if record not in failures])
        errors = [*self._remains(records, before, after, failures), *self._collateral(records, before, after)]
        if errors:
            raise errors[0]

    def run(self, verb: str, record: TxtRecord) -> None:
        """Run the program for the action at the name. Raises ProviderError."""
        raise NotImplementedError

    def doing(self, verb: str, name: str) -> str:
        """What it does at the name, as messages say it."""
        raise NotImplementedError

    def _remove_each(self, records: Iterable[TxtRecord]) -> Failures:
        """Have each removed; a program that hangs would do so for every one."""
        failures: Failures = {}
        hung: Unreachable | None = None
        for record in dict.fromkeys(records):
            try:
                if hung:
                    raise hung
                self.run(self.removes, record)
            except Unreachable as failure:
                failures[record] = hung = failure
            except ProviderError as failure:
                failures[record] = failure
        return failures

    def _look_until_gone(self, names: Set[str], records: Sequence[TxtRecord]) -> Seen:
        """The last of a few looks: no more, once none of the records is seen."""
        seen = self._look(names)
        for pause in LOOK_PAUSES:
            if not any(_having(seen, record) for record in records):
                break
            self.sleep(pause)
            seen = self._look(names)
        return seen

    def _remains(
        self, records: Iterable[TxtRecord], before: Seen, after: Seen, failures: Failures
    ) -> Iterator[ProviderError]:
        """An error for each record that may be there still."""
        for record in dict.fromkeys(records):
            still = _having(after, record)
            if failure := failures.get(record):
                # That a server does not have it proves nothing yet of what was added a moment ago.
                was_to_be_seen = record[:2] not in self._added or _having(before, record)
                if still or not after.get(record.name) or not was_to_be_seen:
                    yield failure
            elif still:
                yield ProviderError(
                    f"{self.doing(self.removes, record.name)}: it ended well, but"
                    f" {sum(LOOK_PAUSES):.0f} s later {still} of {len(after[record.name])} name server"
                    f" addresses still have {record.value}",
                    "see in the zone whether it is gone; if not, the program did not find it",
                )

    def _collateral(self, records: Sequence[TxtRecord], before: Seen, after: Seen) -> Iterator[ProviderError]:
        """Put back what other orders wait for; an error for each value that was not put back."""
        for name in sorted({record.name for record in records}):
            asked = {record.value for record in records if record.name == name}
            for value in sorted(_lost(before.get(name, ()), after.get(name, ())) - asked):
                why = "it is no validation, and might not come through the program as it was"
                try:
                    if VALIDATION.fullmatch(value):
                        self.run(self.adds, TxtRecord(name, value))
                        continue
                except ProviderError as failure:
                    why = str(failure)
                yield ProviderError(
                    f"{self.doing(self.removes, name)}: it removed {value!r} as well, which is not put back:"
                    f" {why}",
                    f"put it back by hand at {name}; `dns01 providers` tells whether there is another way",
                )


def entries(options: Mapping[str, str], table: str) -> dict[str, str]:
    """The entries of one table among the options."""
    prefix = f"{table}."
    return {key.removeprefix(prefix): value for key, value in options.items() if key.startswith(prefix)}


def _having(seen: Seen, record: TxtRecord) -> int:
    """How many of the servers that answered have the record."""
    return sum(record.value in values for values in seen.get(record.name, ()))


def _lost(before: Sequence[Set[str]], after: Sequence[Set[str]]) -> Set[str]:
    """What all servers had before, and none has any more. What only some had, somebody else may
    have removed just then."""
    if not (before and after):
        return set()
    return set.intersection(*map(set, before)) - set().union(*after)
