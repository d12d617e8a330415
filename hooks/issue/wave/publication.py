"""All values of a wave out in one batch for each zone and its accounts, and back again.

The accounts are served side by side, and so are the zones of one where its provider says that they may be; a
batch that fails costs the names in it alone, and one that is refused for some of its names costs these alone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

from ....errors import HookError, ProviderError
from ....providers.base import Zone, zones_at_once
from ....threads import side_by_side
from ...challenge.placement import Placement, Placements
from ...challenge.publisher import Records
from ...clients.challenge import Challenge
from ...state.journal import Entry

Zones = tuple[tuple[str, Zone], ...]  # (account, zone) of each primary of a name

ACCOUNTS_AT_ONCE = 8


class Publication:
    """What one wave has published. ``failed``: why names are not out, by owner name."""

    def __init__(self, records: Records, places: Placements) -> None:
        self._records = records
        self._places = places
        self._open: list[Entry] = []
        self._lock = threading.Lock()
        self.failed: dict[str, HookError] = {}

    @property
    def entries(self) -> list[Entry]:
        """The journal entries of what is published."""
        with self._lock:
            return list(self._open)

    def publish(self, challenges: Iterable[Challenge]) -> None:
        """Publish every value; a provider that refuses is noted in ``failed``, and nothing raised."""
        places = self._places.find(list(dict.fromkeys(each.name for each in challenges)))
        batches: dict[Zones, list[Challenge]] = defaultdict(list)
        for challenge in challenges:
            batches[places[challenge.name].zones].append(challenge)

        def publish(group: Sequence[Zones]) -> None:
            steps = [partial(self._publish_batch, batches[zones], places) for zones in group]
            side_by_side(steps, self._at_once(group))

        groups = without_common_accounts(batches)
        side_by_side([partial(publish, group) for group in groups], ACCOUNTS_AT_ONCE)

    def retract(self) -> None:
        """Take back all that is out; what a provider refuses stays in the journal."""
        with self._lock:
            entries = self._open
            self._open = []
        by_account: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_account[entry.account].append(entry)
        steps = [partial(self._records.retract, entries) for entries in by_account.values()]
        side_by_side(steps, ACCOUNTS_AT_ONCE)

    def _at_once(self, group: Sequence[Zones]) -> int:
        """How many of the batches the accounts take at a time."""
        accounts = {account for zones in group for account, _ in zones}
        return min(zones_at_once(self._places.accounts.provider_named(account)) for account in accounts)

    def _publish_batch(self, batch: Sequence[Challenge], places: dict[str, Placement]) -> None:
        try:
            published = self._records.publish(batch, places)
        except HookError as error:
            names = {challenge.name for challenge in batch}
            known = self._records.refused  # other batches add to it meanwhile
            refused = {name: _about(name, known[name]) for name in names if name in known}
            rest = [challenge for challenge in batch if challenge.name not in refused]
            self.failed |= refused
            if refused and rest:
                self._publish_batch(rest, places)
            else:
                self.failed |= {challenge.name: error for challenge in rest}
        else:
            with self._lock:
                self._open += published


def _about(name: str, why: ProviderError) -> ProviderError:
    """The refusal, with the record that it is about: a batch has many."""
    if name not in str(why):
        why.args = (f"{name}: {why}",)
    return why


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
