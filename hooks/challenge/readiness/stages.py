"""Each wait between published and ready: provider, name servers, resolvers, caches (docs/readiness.rst)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache

from .... import output
from ....errors import NotReady
from ....providers.base import Profile, WaitsUntilInSync
from ...clients.process import ClientProcess, is_alive
from ...config.settings import Settings
from ...dns.address import Address
from ...dns.destination import Server
from ...dns.inspect.split_horizon import differences
from ...state.journal import Entry, Journal
from ..placement import Placement, Placements
from .ca_cache import seconds_until_forgotten
from .check import ReadinessCheck, Target
from .progress import Progress
from .public_resolvers import ask_resolvers
from .resolver_wait import wait_for_resolvers
from .server_wait import EachName, wait


class ReadinessStages:
    """What a wait for published entries consists of.

    ``client`` is their client; the wait for name servers ends with it. ``republish`` gets what has vanished
    on the way.
    """

    def __init__(
        self,
        settings: Settings,
        places: Placements,
        journal: Journal,
        client: ClientProcess | None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        *,
        republish: Callable[[Sequence[Entry]], None] = lambda entries: None,
        client_lives: Callable[[ClientProcess], bool | None] = is_alive,
    ) -> None:
        self._settings = settings
        self._places = places
        self._journal = journal
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._republish = republish
        self._client_lives = client_lives

    def _for_providers(self, places: Iterable[Placement]) -> None:
        """The word of every API that has one (INSYNC, a job)."""
        for account, zone in dict.fromkeys(each for place in places for each in place.zones):
            provider = self._places.accounts.provider_named(account)
            if isinstance(provider, WaitsUntilInSync):
                with self._places.accounts.errors_of(account):
                    provider.wait_until_in_sync(zone)

    def _for_servers(
        self,
        entries: Sequence[Entry],
        places: Mapping[str, Placement],
        published: Collection[str],
        each: EachName | None = None,
        progress: Callable[[ReadinessCheck, float], None] | None = None,
    ) -> ReadinessCheck:
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
                substitute=place.readiness != "authoritative",
                zone=place.apex,
                several=len(place.zone_accounts) > 1,
            )
            for target, place in {places[entry.name].target: places[entry.name] for entry in entries}.items()
        ]
        servers = list(dict.fromkeys(server.name for target in targets for server in target.servers))
        more = f" and {len(servers) - 8} more" if len(servers) > 8 else ""
        if servers:
            output.step(f"waiting for {', '.join(servers[:8])}{more}")
        try:
            if progress:
                watch = self._wait(targets, progress, entries, each)
            else:
                with Progress() as shown:
                    watch = self._wait(targets, shown, entries, each)
        except NotReady as error:
            from ..diagnosis.likeliest_cause import blamed  # whose start-up only this is worth

            raise blamed(error, entries, self._settings) from None
        for excused in watch.excused(watch.seconds):
            output.warning(f"left out of account: {excused}")
        if not watch.unready(watch.seconds):
            output.step(f"ready after {watch.seconds:.1f} s")
        return watch

    def _wait(
        self,
        targets: Sequence[Target],
        progress: Callable[[ReadinessCheck, float], None],
        entries: Sequence[Entry],
        each: EachName | None,
    ) -> ReadinessCheck:
        return wait(
            targets,
            progress,
            each=each,
            timing=self._settings.timing,
            republish=lambda names: self._republish([e for e in entries if e.target in names]),
            client_lives=lambda: self._client is None or self._client_lives(self._client) is not False,
        )

    def _for_elsewhere(
        self, entries: Sequence[Entry], places: Mapping[str, Placement], watch: ReadinessCheck
    ) -> None:
        """Resolvers decide in the place of servers that cannot be asked."""
        names = _values_by_name(entries)
        for address in watch.intercepted():
            output.warning(f"{address} answers like a resolver: something on the way intercepts port 53")
        output.warning(
            f"degraded: too few name servers can be asked for {', '.join(names)}; resolvers decide"
        )
        timeout = max(places[name].profile.timeout for name in names) - watch.seconds
        self._by_resolvers(names, timeout)

    def _for_resolvers_alone(self, entries: Sequence[Entry], places: Mapping[str, Placement]) -> None:
        """``readiness = "resolvers"``: the name servers show this machine another view of the zone. A
        resolver that is asked too early remembers that the record was not there."""
        names = _values_by_name(entries)
        begins = self._settings.timing.degraded_after
        output.warning(
            f'degraded: readiness = "resolvers" for {", ".join(names)}: resolvers decide, from '
            f"{begins:.0f} s on; the name servers are not asked"
        )
        self._sleep(begins)
        timeout = max(places[name].profile.timeout for name in names) - begins
        self._by_resolvers(names, timeout)

    def _by_resolvers(self, names: Mapping[str, frozenset[str]], timeout: float) -> None:
        seen_by = wait_for_resolvers(names, self._settings.doh, self._settings.resolvers, timeout)
        output.step(f"ready, degraded: {', '.join(seen_by)} saw it, not the name servers")

    def _profile(self, place: Placement, published: bool) -> Profile:
        """A provider that trusts its servers at its own word has none for what another process
        published: those are asked as often as anybody's."""
        providers = [self._places.accounts.provider(each.account) for each in place.zone_accounts]
        if published or not any(isinstance(provider, WaitsUntilInSync) for provider in providers):
            return place.profile
        return place.profile._replace(rounds=max(place.profile.rounds, Profile().rounds))

    def _for_caches(
        self,
        entries: Sequence[Entry],
        places: Mapping[str, Placement],
        rivals: Collection[str],
        shown: Mapping[str, int],
    ) -> None:
        """What the CA may remember of other orders at the names. ``shown``: the TTLs that servers show."""
        seconds = seconds_until_forgotten(entries, places, self._journal, rivals, shown, self._clock())
        if seconds > 0:
            output.step(
                f"waiting {seconds:.0f} s more: the CA may still remember the record of another order"
            )
            self._sleep(seconds)

    def _for_public_resolvers(self, entries: Sequence[Entry], places: Mapping[str, Placement]) -> None:
        @cache
        def horizon(resolver: Address, apex: str, servers: Sequence[Server]) -> str:
            differs = differences([resolver], apex, servers, self._settings.timing)[resolver]
            return f"split horizon: {differs}" if differs else ""

        def view(resolver: Address, name: str) -> str:
            return horizon(resolver, places[name].apex, places[name].servers)

        for readiness in ("public", "strict"):
            names = _values_by_name(e for e in entries if places[e.name].readiness == readiness)
            if names:
                strict = readiness == "strict"
                for complaint in ask_resolvers(names, self._settings.resolvers, strict=strict, view=view):
                    output.warning(complaint)


def unready(entries: Iterable[Entry], watch: ReadinessCheck) -> list[Entry]:
    """The entries that were not ready when the wait for servers ended: their servers could not be asked."""
    targets = set(watch.unready(watch.seconds))
    return [entry for entry in entries if entry.target in targets]


def _values_by_name(entries: Iterable[Entry]) -> dict[str, frozenset[str]]:
    values: dict[str, frozenset[str]] = {}
    for entry in entries:
        values[entry.name] = values.get(entry.name, frozenset()) | {entry.value}
    return values
