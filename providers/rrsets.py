"""The base of providers whose API replaces whole RRsets: what others have there is written back as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, NamedTuple

from ..errors import AuthRejected, Busy
from ._character_strings import unquoted
from .base import T, TxtRecord, Zone
from .records import ZoneProvider, after_writing

LOOK_AGAIN = 1.5  # seconds after which a write of another machine that had read before ours is over


class RRset(NamedTuple):
    """All TXT values at one name, as the API writes them, and the TTL they share.

    ``items``: for an API that has more of each value than the value (whether it is switched on, where
    it is given), all that it has, in the order of the values; ``whole``: the RRset as the API has it,
    if ``write`` wants more of it.
    """

    values: tuple[str, ...]
    ttl: int
    items: tuple[Any, ...] = ()
    whole: Any = None

    def items_after(self, old: RRset | None, made: Callable[[str], T]) -> list[T]:
        """The items to be written in the place of ``old``, whose own stay what they are; those that are
        new are ``made`` of their value."""
        had = list(zip(old.values, old.items, strict=True)) if old else []
        kept = [item for value, item in had if value in self.values]
        return [*kept, *(made(value) for value in self.values if value not in dict(had))]


class RRsetProvider(ZoneProvider):
    """The verbs for an API that replaces a whole RRset: read, merge, write, until a reading shows
    what it should. Values that others put there are written back letter by letter.

    Between the processes of one machine the caller's lock on the zone keeps others out. Where the API
    is not ``guarded``, another machine may write over what was written here a moment ago, for it had
    read before: so all that was changed is looked at again a little later, and changed again if need be.
    """

    guarded = False  # whether the API itself refuses to write over what was not read

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self._twice(zone, partial(super().publish, zone, records))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        self._twice(zone, partial(super().retract, zone, records))

    @property
    def _written(self) -> set[Zone]:
        """Where the verb at work has written."""
        written: set[Zone] = vars(self).setdefault("written", set())  # in one step: threads share it
        return written

    def _twice(self, zone: Zone, verb: Callable[[], None]) -> None:
        """Every step reads before it writes: the second time does what is lacking again, if anything is."""
        self._written.discard(zone)
        verb()
        if zone in self._written and not self.guarded:
            self.sleep(LOOK_AGAIN)
            with after_writing():
                verb()

    def read(self, zone: Zone, name: str) -> RRset | None:
        """What stands at ``name`` after the last write, or None."""
        raise NotImplementedError

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """Put ``new`` in the place of ``old`` (None: there is no such RRset). An API that can
        tell that ``old`` is no longer what stands there leaves it as it is: it is read again."""
        raise NotImplementedError

    def check_zone(self, zone: Zone) -> None:
        """Ask for the zone itself, where the API says the same of an RRset that is not there and of one in a
        zone that it does not show. Raises ProviderError."""

    def is_overtaken(self, zone: Zone, name: str, old: RRset | None) -> bool:
        """Whether ``old`` is no longer what stands there."""
        new = self.read(zone, name)
        return (sorted(new.values) if new else None) != (sorted(old.values) if old else None)

    def spell(self, value: str) -> str:
        """A value of ours as the API writes it; ``quoted`` where that is master-file notation."""
        return value

    def _add(self, zone: Zone, name: str, wanted: Sequence[TxtRecord]) -> None:
        for old in self._readings(zone, name):
            present = old.values if old else ()
            lacking = {record.value for record in wanted} - set(map(unquoted, present))
            if not lacking:
                break
            ttl = old.ttl if old else max(wanted[0].ttl, self.least_ttl)
            self._written.add(zone)
            self.write(zone, name, old, RRset((*present, *map(self.spell, sorted(lacking))), ttl))

    def _remove(self, zone: Zone, name: str, unwanted: Sequence[TxtRecord]) -> None:
        values = {record.value for record in unwanted}
        for old in self._readings(zone, name):
            if old is None and zone not in self._written:
                with suppress(AuthRejected):  # a role for the records alone
                    self.check_zone(zone)
            if old is None or values.isdisjoint(map(unquoted, old.values)):
                break
            kept = tuple(value for value in old.values if unquoted(value) not in values)
            self._written.add(zone)
            self.write(zone, name, old, RRset(kept, old.ttl) if kept else None)

    def _readings(self, zone: Zone, name: str) -> Iterator[RRset | None]:
        """What stands at ``name``, as often as the caller is not content with it.

        Raises Busy in the end.
        """
        for number in self.readings():
            with after_writing() if number else nullcontext():
                present = self.read(zone, name)
            yield present
        raise Busy(
            f"{self.whose}: what is written to {name} does not stay there",
            "something else keeps writing there: find it, or try again later",
        )
