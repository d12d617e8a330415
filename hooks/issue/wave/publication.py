"""All values of a wave out in one batch for each zone and account, and back again.

The accounts are served side by side; a batch that fails costs the names in it alone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ....errors import HookError
from ....providers.base import Zone
from ...challenge.placement import Placement, Placements
from ...challenge.publisher import Records
from ...clients.challenge import Challenge
from ...state.journal import Entry

B = TypeVar("B")

ACCOUNTS_AT_ONCE = 8


class Publication:
    """What one wave has published. ``failed``: why the names of a batch are not out, by owner name."""

    def __init__(self, records: Records, places: Placements) -> None:
        self._records = records
        self._places = places
        self._open: list[Entry] = []
        self._lock = threading.Lock()
        self.failed: dict[str, HookError] = {}

    @property
    def entries(self) -> list[Entry]:
        """What is out."""
        with self._lock:
            return list(self._open)

    def publish(self, challenges: Iterable[Challenge]) -> None:
        """Have every value written; raises nothing for a provider that refuses."""
        places = self._places.find(list(dict.fromkeys(each.name for each in challenges)))
        batches: dict[str, dict[Zone, list[Challenge]]] = defaultdict(lambda: defaultdict(list))
        for challenge in challenges:
            place = places[challenge.name]
            batches[place.account.name][place.zone].append(challenge)

        def publish(zones: Mapping[Zone, Sequence[Challenge]]) -> None:
            for batch in zones.values():
                self._publish_batch(batch, places)

        _side_by_side(publish, list(batches.values()))

    def take_back(self) -> None:
        """Take back all that is out; what a provider refuses stays in the journal."""
        with self._lock:
            entries = self._open
            self._open = []
        by_account: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_account[entry.account].append(entry)
        _side_by_side(self._records.retract, list(by_account.values()))

    def _publish_batch(self, batch: Sequence[Challenge], places: dict[str, Placement]) -> None:
        try:
            published = self._records.publish(batch, places)
        except HookError as error:
            self.failed |= {challenge.name: error for challenge in batch}
        else:
            with self._lock:
                self._open += published


def _side_by_side(work: Callable[[B], None], batches: Sequence[B]) -> None:
    if len(batches) < 2:
        for batch in batches:
            work(batch)
        return
    with ThreadPoolExecutor(ACCOUNTS_AT_ONCE) as pool:
        list(pool.map(work, batches))
