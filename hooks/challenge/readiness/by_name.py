"""The wait for many names at once, of which each is ready, or late, by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from ....errors import HookError, NotReady
from ....providers.base import Zone
from ...state.audit.record import Steps
from ...state.journal import Entry
from ..placement import Placement
from .ca_cache import open_elsewhere
from .check import ReadinessCheck
from .server_wait import EachName
from .stages import ReadinessStages, unready

BATCHES_AT_ONCE = 8  # batches of names that are on their servers, each waiting for caches and resolvers


class ReadinessByName(ReadinessStages):
    """Waits for what this very process has published, name by name."""

    def until_each_ready(
        self,
        entries: Sequence[Entry],
        steps: Steps,
        ready: Callable[[Sequence[str]], None],
        late: Callable[[Mapping[str, HookError]], None],
        progress: Callable[[ReadinessCheck, float], None],
        wanted: Callable[[str], bool] = lambda name: True,
    ) -> None:
        """``ready`` gets the names that the CA may ask for, each as soon as that is so; ``late`` those that
        will not be ready, with the reason. Both are called in several threads. ``progress``: called during
        the wait for servers. ``wanted``: whether somebody still waits for a name; the wait ends with those
        that nobody does.
        """
        entries = [entry for entry in entries if wanted(entry.name)]
        places = self._places.find(entry.name for entry in entries)
        with steps("settled"):
            refused = self._refused_by_providers(places.values())
        late(refused)
        waiting = [entry for entry in entries if entry.name not in refused]
        by_resolvers = [entry for entry in waiting if places[entry.name].readiness == "resolvers"]
        by_servers = [entry for entry in waiting if entry not in by_resolvers]
        conclude = partial(self._conclude, places, open_elsewhere(self._journal, self._client), ready, late)
        with ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
            at_work: list[Future[None]] = []
            each = _each_target(
                waiting, lambda *batch: at_work.append(pool.submit(conclude, *batch)), late, wanted
            )
            if by_resolvers:
                alone = partial(self._for_resolvers_alone, by_resolvers, places)
                at_work.append(pool.submit(conclude, by_resolvers, {}, alone))
            if by_servers:
                targets = {entry.target for entry in by_servers}
                with steps("ready"):
                    watch = self._for_servers(by_servers, places, targets, each, progress)
                if barred := unready(by_servers, watch):
                    conclude(barred, {}, partial(self._for_elsewhere, barred, places, watch))
            for future in at_work:
                future.result()

    def _conclude(
        self,
        places: Mapping[str, Placement],
        rivals: Collection[str],
        ready: Callable[[Sequence[str]], None],
        late: Callable[[Mapping[str, HookError]], None],
        batch: Sequence[Entry],
        shown: Mapping[str, int],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """The waits that come after the servers, for a batch that is on all of its own. ``shown``: the TTLs
        that these show."""
        names = list(dict.fromkeys(entry.name for entry in batch))
        try:
            before()
            self._for_caches(batch, places, rivals, shown)
            self._for_public_resolvers(batch, places)
        except NotReady as error:
            late(dict.fromkeys(names, error))
        else:
            ready(names)

    def _refused_by_providers(self, places: Iterable[Placement]) -> dict[str, HookError]:
        """The names whose provider says that what was published will not be on its servers."""
        refused: dict[str, HookError] = {}
        zones: dict[tuple[tuple[str, Zone], ...], list[Placement]] = defaultdict(list)
        for place in places:
            zones[place.zones].append(place)
        for together in zones.values():
            try:
                self._for_providers(together[:1])
            except HookError as error:
                refused |= {place.name: error for place in together}
        return refused


def _each_target(
    entries: Iterable[Entry],
    release: Callable[[Sequence[Entry], Mapping[str, int]], None],
    late: Callable[[Mapping[str, HookError]], None],
    wanted: Callable[[str], bool],
) -> EachName:
    """The wait for servers knows of targets; several names may have one."""
    entries_at: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        entries_at[entry.target].append(entry)

    def overdue(error: NotReady) -> None:
        late({entry.name: error for target in error.names for entry in entries_at[target]})

    return EachName(
        lambda ttls: release([entry for target in ttls for entry in entries_at[target]], ttls),
        overdue,
        lambda target: any(wanted(entry.name) for entry in entries_at[target]),
    )
