"""From published to ready: the waits between them, in their order (READINESS, steps 5 to 12)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from ... import output
from ...errors import HookError, NotReady
from ...providers.base import KnowsWhenSettled, Profile, Zone
from ..clients.process import Client
from ..config.settings import Settings
from ..dns.address import Address
from ..dns.delegation import Server
from ..dns.inspect.split_horizon import differences
from ..state.audit import Steps
from ..state.journal import OPEN, Entry, Journal
from .degraded import wait_for_resolvers
from .placement import Placement, Placements
from .progress import Progress
from .propagation import EachName, PropagationCheck, Target, wait
from .public_resolvers import ask_resolvers

BATCHES_AT_ONCE = 8  # batches of names that are on their servers, each waiting for caches and resolvers


class ReadinessWait:
    """Waits for what one call, or one run of certbot's, has published. ``client`` is its client."""

    def __init__(
        self,
        settings: Settings,
        places: Placements,
        journal: Journal,
        client: Client | None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._places = places
        self._journal = journal
        self._client = client
        self._clock = clock
        self._sleep = sleep

    def until_ready(self, entries: Sequence[Entry], steps: Steps, *, published: Sequence[Entry]) -> list[str]:
        """Returns when the CA may ask for the entries. ``published``: those of them that this very
        process published, so that their provider can have a word of its own about them.

        Gives the names that were *degraded*: resolvers decided, as their servers could not be asked.
        Raises NotReady, and what that word may raise.
        """
        if not entries:  # the CA still holds every authorization
            return []
        places = self._places.find(entry.name for entry in entries)
        with steps("settled"):
            self._for_providers(places.values())
        with steps("ready"):
            watch = self._for_servers(entries, places, {entry.target for entry in published})
        barred = [entry for entry in entries if entry.target in watch.unready(watch.seconds)]
        if barred:
            with steps("degraded"):
                self._for_elsewhere(barred, places, watch)
        with steps("settle"):
            self._for_caches(entries, places, self._rivals())
        with steps("public"):
            self._for_public_resolvers([entry for entry in entries if entry not in barred], places)
        return list(dict.fromkeys(entry.name for entry in barred))

    def until_each_ready(
        self,
        entries: Sequence[Entry],
        steps: Steps,
        ready: Callable[[Sequence[str]], None],
        late: Callable[[Mapping[str, HookError]], None],
        progress: Callable[[PropagationCheck, float], None],
    ) -> None:
        """The same for what this very process has published, name by name: ``ready`` gets the names that
        the CA may ask for, each as soon as that is so; ``late`` those that will not be ready, with the
        reason. Both are called in several threads. ``progress``: called during the wait for servers.
        """
        places = self._places.find(entry.name for entry in entries)
        with steps("settled"):
            refused = self._refused_by_providers(places.values())
        late(refused)
        waiting = [entry for entry in entries if entry.name not in refused]
        rivals = self._rivals()

        def conclude(batch: Sequence[Entry], wait: Callable[[], None] = lambda: None) -> None:
            names = list(dict.fromkeys(entry.name for entry in batch))
            try:
                wait()
                self._for_caches(batch, places, rivals)
                self._for_public_resolvers(batch, places)
            except NotReady as error:
                late(dict.fromkeys(names, error))
            else:
                ready(names)

        with ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
            at_work: list[Future[None]] = []

            def released(targets: Sequence[str]) -> None:
                at_work.append(pool.submit(conclude, [e for e in waiting if e.target in set(targets)]))

            def overdue(error: NotReady) -> None:
                late({entry.name: error for entry in waiting if entry.target in error.names})

            if waiting:
                with steps("ready"):
                    watch = self._for_servers(
                        waiting,
                        {entry.name: places[entry.name] for entry in waiting},
                        {entry.target for entry in waiting},
                        EachName(released, overdue),
                        progress,
                    )
                if barred := [entry for entry in waiting if entry.target in watch.unready(watch.seconds)]:
                    conclude(barred, lambda: self._for_elsewhere(barred, places, watch))
            for future in at_work:
                future.result()

    def _refused_by_providers(self, places: Iterable[Placement]) -> dict[str, HookError]:
        """The names whose provider says that what was published will not be on its servers."""
        refused: dict[str, HookError] = {}
        zones: dict[tuple[str, Zone], list[Placement]] = defaultdict(list)
        for place in places:
            zones[place.account.name, place.zone].append(place)
        for together in zones.values():
            try:
                self._for_providers(together[:1])
            except HookError as error:
                refused |= {place.name: error for place in together}
        return refused

    def _for_providers(self, places: Iterable[Placement]) -> None:
        """The word of every API that has one (INSYNC, a job)."""
        for place in {(place.account.name, place.zone): place for place in places}.values():
            provider = self._places.provider(place.account)
            if isinstance(provider, KnowsWhenSettled):
                provider.settled(place.zone)

    def _for_servers(
        self,
        entries: Sequence[Entry],
        places: Mapping[str, Placement],
        published: Collection[str],
        each: EachName | None = None,
        progress: Callable[[PropagationCheck, float], None] | None = None,
    ) -> PropagationCheck:
        values: dict[str, set[str]] = defaultdict(set)
        for entry in entries:
            if (target := places[entry.name].target) != entry.target:
                raise NotReady(
                    f"{entry.name} was published at {entry.target}, but the DNS now leads to {target}",
                    "see whether its CNAME has changed, or its servers fail at times; then run it again",
                )
            values[entry.target].add(entry.value)
        targets = [
            Target(
                target,
                frozenset(values[target]),
                place.servers,
                self._profile(place, target in published),
                substitute=self._readiness(place.name) != "authoritative",
            )
            for target, place in {place.target: place for place in places.values()}.items()
        ]
        servers = list(dict.fromkeys(server.name for target in targets for server in target.servers))
        more = f" and {len(servers) - 8} more" if len(servers) > 8 else ""
        if servers:
            output.step(f"waiting for {', '.join(servers[:8])}{more}")
        try:
            if progress:
                watch = wait(targets, progress, each=each)
            else:
                with Progress() as shown:
                    watch = wait(targets, shown)
        except NotReady as error:
            from .diagnosis.likeliest_cause import blamed  # whose start-up only this is worth

            raise blamed(error, entries, self._settings) from None
        for excused in watch.excused(watch.seconds):
            output.warning(f"left out of account: {excused}")
        if not watch.unready(watch.seconds):
            output.step(f"ready after {watch.seconds:.1f} s")
        return watch

    def _for_elsewhere(
        self, entries: Sequence[Entry], places: Mapping[str, Placement], watch: PropagationCheck
    ) -> None:
        """Resolvers decide in the place of servers that cannot be asked (READINESS, step 10)."""
        names = _values_by_name(entries)
        for address in watch.intercepted():
            output.warning(f"{address} answers like a resolver: something on the way intercepts port 53")
        output.warning(
            f"degraded: too few name servers can be asked for {', '.join(names)}; resolvers decide"
        )
        timeout = max(places[name].profile.timeout for name in names) - watch.seconds
        heard = wait_for_resolvers(names, self._settings.doh, self._settings.resolvers, timeout)
        output.step(f"ready, degraded: {', '.join(heard)} saw it, not the name servers")

    def _profile(self, place: Placement, published: bool) -> Profile:
        """A provider that trusts its servers at its own word has none for what another process
        published: those are asked as often as anybody's."""
        if published or not isinstance(self._places.provider(place.account), KnowsWhenSettled):
            return place.profile
        return place.profile._replace(rounds=max(place.profile.rounds, Profile().rounds))

    def _rivals(self) -> set[str]:
        """Where another order has a value, which a CA may ask for at any time."""
        return {e.target for e in self._journal.entries() if e.state == OPEN and e.client != self._client}

    def _for_caches(
        self, entries: Sequence[Entry], places: Mapping[str, Placement], rivals: Collection[str]
    ) -> None:
        """The CA remembers an answer for the TTL, up to ``settle`` seconds. It can have asked until
        the last value at a name was retracted, and just now where another order is still open."""
        now = self._clock()
        forgotten = 0.0
        for entry in entries:
            remembers = min(entry.ttl, places[entry.name].profile.settle)
            asked = now if entry.target in rivals else min(now, self._journal.retracted_at(entry.target))
            if remembers and asked:
                # Caches that count whole seconds, as unbound does, keep a record for up to one more.
                forgotten = max(forgotten, asked + remembers + 1)
        if (left := forgotten - now) > 0:
            output.step(f"waiting {left:.0f} s more: the CA may still remember the record of another order")
            self._sleep(left)

    def _for_public_resolvers(self, entries: Sequence[Entry], places: Mapping[str, Placement]) -> None:
        @cache
        def horizon(resolver: Address, apex: str, servers: Sequence[Server]) -> str:
            differs = differences([resolver], apex, servers)[resolver]
            return f"split horizon: {differs}" if differs else ""

        def view(resolver: Address, name: str) -> str:
            return horizon(resolver, places[name].zone.apex, places[name].servers)

        for readiness in ("public", "strict"):
            names = _values_by_name(entry for entry in entries if self._readiness(entry.name) == readiness)
            if names:
                strict = readiness == "strict"
                for complaint in ask_resolvers(names, self._settings.resolvers, strict=strict, view=view):
                    output.warning(complaint)

    def _readiness(self, name: str) -> str:
        """Public resolvers need not know a zone whose servers are named in the configuration."""
        told = self._settings.readiness_for(name)
        return told or ("authoritative" if self._settings.nameservers_for(name) else "public")


def _values_by_name(entries: Iterable[Entry]) -> dict[str, frozenset[str]]:
    values: dict[str, frozenset[str]] = {}
    for entry in entries:
        values[entry.name] = values.get(entry.name, frozenset()) | {entry.value}
    return values
