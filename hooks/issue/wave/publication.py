"""All values of a wave out in one batch for each zone and its accounts, and back again.

The accounts are served side by side; a batch that fails costs the names in it alone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ....errors import HookError
from ....providers.base import Zone
from ...challenge.placement import Placement, Placements
from ...challenge.publisher import Records
from ...clients.challenge import Challenge
from ...state.journal import Entry

B = TypeVar("B")

Zones = tuple[tuple[str, Zone], ...]  # (account, zone) of each primary of a name

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
        batches: dict[Zones, list[Challenge]] = defaultdict(list)
        for challenge in challenges:
            batches[places[challenge.name].zones].append(challenge)

        def publish(group: Sequence[Zones]) -> None:
            for zones in group:
                self._publish_batch(batches[zones], places)

        _side_by_side(publish, without_common_accounts(batches))

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


def without_common_accounts(batches: Iterable[Zones]) -> list[list[Zones]]:
    """The batches in groups that have no account in common: a provider does one thing after the other."""
    groups: list[tuple[set[str], list[Zones]]] = []
    for zones in batches:
        accounts = {account for account, _ in zones}
        together = [group for group in groups if group[0] & accounts]
        groups = [group for group in groups if group not in together]
        members = [member for _, group in together for member in group]
        groups.append((accounts.union(*(names for names, _ in together)), [*members, zones]))
    return [members for _, members in groups]


def _side_by_side(work: Callable[[B], None], batches: Sequence[B]) -> None:
    if len(batches) < 2:
        for batch in batches:
            work(batch)
        return
    with ThreadPoolExecutor(ACCOUNTS_AT_ONCE) as pool:
        list(pool.map(work, batches))
