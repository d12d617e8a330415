"""Until a CA can have forgotten what earlier orders had at a name: its cache may hold the old RRset."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ...clients.process import ClientProcess
from ...state.journal import Entry, Journal
from ..placement import Placement

WHOLE_SECONDS = 1  # caches that count whole seconds, as unbound does, keep a record for up to one more


def open_elsewhere(journal: Journal, client: ClientProcess | None) -> set[str]:
    """The owner names where the order of another client has a value, which a CA may ask for at any time."""
    return {entry.target for entry in journal.open_elsewhere(client)}


def seconds_until_forgotten(
    entries: Iterable[Entry],
    placements: Mapping[str, Placement],
    journal: Journal,
    open_elsewhere: Collection[str],
    shown: Mapping[str, int],
    now: float,
) -> float:
    """Seconds from ``now`` (of the journal's clock) until a CA asks anew for every entry's name.

    It keeps an answer for the TTL, up to the profile's ``settle``. ``shown``: the TTL at each owner name that
    servers have shown; it may be longer than what the provider was asked for. It can have asked until the
    last value at a name was retracted, and just now where another order is still open.
    """
    forgotten = now
    for entry in entries:
        settle = placements[entry.name].profile.settle
        kept = min(max(entry.ttl, shown.get(entry.target, settle)), settle)
        asked = now if entry.target in open_elsewhere else min(now, journal.retracted_at(entry.target))
        if kept and asked:
            forgotten = max(forgotten, asked + kept + WHOLE_SECONDS)
    return forgotten - now
