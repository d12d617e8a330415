"""When a record is ready: every authoritative server says so.

Never touches a socket or a clock: ``server_wait`` does. The algorithm and its reasons are in
docs/readiness.rst.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

from ....providers.base import Profile
from ...dns.address import Address
from ...dns.destination import Server
from ...dns.message import TXT, Query, Response
from ...dns.timing import USUAL, Timing
from .name_sample import Sample
from .observation import Observation, ProgressRow, have_lost_it, retry_interval

REVIEW_INTERVAL = 5.0  # seconds until a server that passes is asked again, while others do not
OTHER_ADDRESSES_GRACE = 0.25  # seconds that a server's other addresses get once one shows the record
LONGEST_PAUSE = 1.0  # seconds until somebody looks at the state of things again
REPUBLISHED_AT_MOST = 3  # times for each name

Standing = Literal["passes", "waiting", "excused"]


class Target(NamedTuple):
    """The values that must be seen at an owner name, and by whom.

    ``substitute``: whether resolvers may decide where too few of the servers can be asked. ``zone``: the
    apex; a few of a zone's names stand for all at a server that lacks its newest change. ``several``:
    whether there are several primaries, of which one may lose what the others keep.
    """

    name: str
    values: frozenset[str]
    servers: tuple[Server, ...]
    profile: Profile
    substitute: bool = False
    zone: str = ""
    several: bool = False


class ReadinessCheck:
    """Which queries are due, what the responses mean, and whether all is ready.

    Times are seconds since the wait began. A server (an NS name) passes when one of its addresses does
    and none lacks a value; who is silent or lame for the profile's patience is excused; who answers with
    authority and lacks a value never is.
    """

    def __init__(self, targets: Iterable[Target], timing: Timing = USUAL) -> None:
        self.timing = timing
        self.targets = tuple(targets)
        self.seconds = 0.0  # that the wait has taken so far
        self._by_name = {target.name: target for target in self.targets}
        self._observations = {
            (address, target.name): Observation()
            for target in self.targets
            for server in target.servers
            for address in server.addresses
        }
        names: dict[tuple[Address, str], list[str]] = defaultdict(list)
        for address, name in self._observations:
            names[address, self._by_name[name].zone].append(name)
        self._samples = {group: Sample(members) for group, members in names.items()}
        self._republished: dict[str, list[float]] = defaultdict(list)
        self._answered: dict[Address, float] = {}  # when each last said anything

    # Queries and responses

    def due(self, now: float) -> list[Query]:
        """The queries to send now."""
        queries = []
        for (address, name), seen in self._observations.items():
            if seen.due <= now and not seen.in_flight and self._is_asked(address, name, seen):
                seen.in_flight = True
                queries.append(Query(address, name, TXT))
        return queries

    def saw(self, query: Query, response: Response, now: float) -> None:
        """Change what is known by the response to a query of ``due``."""
        if response.message is not None:
            self._answered[query.server] = now
        target = self._by_name.get(query.name)
        if target is None:  # dropped, while it was being asked about
            return
        seen = self._observations[query.server, query.name]
        seen.see(response, target.values, now)
        if seen.state != "has":
            seen.due = now + retry_interval(now, target.profile.pace)
        else:
            passed = seen.rounds >= target.profile.rounds
            seen.due = now + (REVIEW_INTERVAL if passed else self.timing.round)
        self._review_sample(query.server, target.zone, now)

    def pause(self, now: float) -> float:
        """Seconds until the next query is due, or the next server is excused."""
        moments = [
            seen.due
            for (address, name), seen in self._observations.items()
            if not seen.in_flight and self._is_asked(address, name, seen)
        ]
        for target in self.targets:
            moments += [target.profile.timeout, target.profile.patience]
        moments += [seen.had_since + OTHER_ADDRESSES_GRACE for seen in self._observations.values()]
        moments += [
            seen.since + patience
            for (_, name), seen in self._observations.items()
            for patience in (self._by_name[name].profile.patience, self.timing.degraded_after)
            if seen.state in ("unasked", "silent", "lame")
        ]
        return min([LONGEST_PAUSE, *(moment - now for moment in moments if moment > now)])

    def _is_asked(self, address: Address, name: str, seen: Observation) -> bool:
        target = self._by_name[name]
        sample = self._samples[address, target.zone]
        if seen.rounds >= target.profile.rounds:
            return name in sample.watched
        return sample.wide or name in sample.representatives or seen.state == "has"

    def _review_sample(self, address: Address, zone: str, now: float) -> None:
        """Ask about all names where the few that stand for them are there, or their server answers without
        authority, which another name may get another answer to; about a few again where many are not."""
        sample = self._samples[address, zone]
        seen = {name: self._observations[address, name] for name in sample.names}
        if not sample.wide:
            if all(seen[name].state in ("has", "lame") for name in sample.representatives):
                self._widen(address, sample, now)
        elif not any(each.in_flight or each.state == "unasked" for each in seen.values()):
            sample.narrow([name for name, each in seen.items() if each.state == "lacks"])

    def _widen(self, address: Address, sample: Sample, now: float) -> None:
        """Ask about all names; the time that the server has for those that others stood for begins."""
        sample.widen()
        for name in sample.names:
            seen = self._observations[address, name]
            if seen.state == "unasked" and not seen.in_flight:
                seen.forget(now)

    def _seen(self, address: Address, name: str) -> Observation:
        """What the address says of the name; where others stand for it, the least that it says of them."""
        seen = self._observations[address, name]
        sample = self._samples[address, self._by_name[name].zone]
        if seen.state != "unasked" or sample.wide or name in sample.representatives:
            return seen
        order = ("lacks", "unasked", "silent", "lame", "has")
        others = [self._observations[address, each] for each in sample.representatives]
        return min(others, key=lambda each: order.index(each.state))

    # What became of the names

    def ready(self, now: float) -> bool:
        """Whether every name is on all of its servers, the excused ones left out."""
        return all(self._is_ready(target, now) for target in self.targets)

    def names_ready(self, now: float) -> list[str]:
        """The names that are on all of their servers."""
        return [target.name for target in self.targets if self._is_ready(target, now)]

    def ttls(self) -> dict[str, int]:
        """The longest TTL (seconds) that a server shows at each name that any of them has: that which the
        provider has made of ours, or which records there had already."""
        shown: dict[str, int] = {}
        for (_, name), seen in self._observations.items():
            if seen.had_it:
                shown[name] = max(shown.get(name, 0), seen.ttl)
        return shown

    def unready(self, now: float) -> list[str]:
        """The names that are not on all of their servers."""
        return [target.name for target in self.targets if not self._is_ready(target, now)]

    def late(self, now: float) -> list[str]:
        """The names that are not ready and have used up their time-outs."""
        overdue = [target for target in self.targets if now >= target.profile.timeout]
        return [target.name for target in overdue if not self._is_ready(target, now)]

    def overdue(self, now: float) -> bool:
        """Whether a name that is not ready has used up its time-out."""
        return bool(self.late(now))

    def over(self, now: float) -> bool:
        """Whether the wait is: every name is ready, or resolvers shall decide, too few of its servers
        having been to be asked for ``timing.degraded_after`` seconds."""
        return all(self._is_ready(target, now) or self._is_barred(target, now) for target in self.targets)

    def vanished(self, now: float) -> list[str]:
        """The names that a server had, and none has any more: another writer has replaced the RRset. They
        are to be published again, a few times at most; whatever else was seen in their zones is seen anew."""
        names = [target.name for target in self.targets if self._has_vanished(target, now)]
        for name in names:
            self._republished[name].append(now)
        zones = {self._by_name[name].zone for name in names}
        for (_, name), seen in self._observations.items():
            if self._by_name[name].zone in zones and not seen.in_flight and seen.state == "has":
                seen.forget(now)
        return names

    def drop(self, names: Iterable[str], now: float) -> None:
        """Ask no more about these names; those that they stood for are asked about."""
        gone = set(names)
        self.targets = tuple(target for target in self.targets if target.name not in gone)
        self._observations = {key: seen for key, seen in self._observations.items() if key[1] not in gone}
        self._by_name = {target.name: target for target in self.targets}
        for (address, _), sample in self._samples.items():
            stood_for_others = gone.intersection(sample.representatives)
            sample.drop(gone)
            if stood_for_others:
                self._widen(address, sample, now)

    def _is_ready(self, target: Target, now: float) -> bool:
        standings = [self._standing(server, target, now) for server in target.servers]
        return "waiting" not in standings and 2 * standings.count("passes") >= max(1, len(standings))

    def _is_barred(self, target: Target, now: float) -> bool:
        standings = [self._standing(server, target, now) for server in target.servers]
        if not target.substitute or now < self.timing.degraded_after or "waiting" in standings:
            return False
        silent_since = [
            self._seen(address, target.name).since
            for server, standing in zip(target.servers, standings, strict=True)
            for address in server.addresses
            if standing == "excused"
        ]
        return now - max(silent_since, default=0.0) >= self.timing.degraded_after and not self._is_ready(
            target, now
        )

    def _has_vanished(self, target: Target, now: float) -> bool:
        before = self._republished[target.name]
        recently = bool(before) and now - before[-1] < REVIEW_INTERVAL
        if recently or len(before) >= REPUBLISHED_AT_MOST:
            return False
        each = [[self._seen(a, target.name) for a in server.addresses] for server in target.servers]
        groups = each if target.several else [[seen for server in each for seen in server]]
        return any(map(have_lost_it, groups))

    def _standing(self, server: Server, target: Target, now: float) -> Standing:
        at = {address: self._seen(address, target.name) for address in server.addresses}
        seen = at.values()
        if any(each.state == "lacks" for each in seen):
            return "waiting"
        if any(each.rounds >= target.profile.rounds for each in seen):
            shown = min(each.had_since for each in seen)  # not until the wait began: both may be far away
            hesitant = now < shown + OTHER_ADDRESSES_GRACE and any(each.state == "unasked" for each in seen)
            return "waiting" if hesitant else "passes"
        if any(each.state == "has" for each in seen):
            return "waiting"
        silent_since = (self._silent_since(address, each) for address, each in at.items())
        patient = all(now - since >= target.profile.patience for since in silent_since)
        return "excused" if patient else "waiting"

    def _silent_since(self, address: Address, seen: Observation) -> float:
        """One that answers our other queries may yet come to this one, which waits in their line; but not
        forever."""
        if seen.state != "unasked" or not seen.in_flight:
            return seen.since
        return max(seen.since, min(self._answered.get(address, 0.0), seen.since + self.timing.degraded_after))

    # For a person

    def excused(self, now: float) -> list[str]:
        """The servers that do not count, each with what it said."""
        lines = []
        for target in self.targets:
            for server in target.servers:
                if self._standing(server, target, now) == "excused":
                    words = [f"{a}: {self._seen(a, target.name).summary}" for a in server.addresses]
                    lines.append(f"{server.name} ({', '.join(words) or 'no address'})")
        return list(dict.fromkeys(lines))

    def waiting_for(self, now: float) -> list[str]:
        """The name servers that the wait is for, by their names."""
        names = (
            server.name
            for target in self.targets
            for server in target.servers
            if self._standing(server, target, now) == "waiting"
        )
        return list(dict.fromkeys(names))

    def intercepted(self) -> list[Address]:
        """The addresses that answer like a resolver."""
        pairs = self._observations.items()
        return list(dict.fromkeys(address for (address, _), seen in pairs if seen.like_a_resolver))

    def rows(self) -> list[ProgressRow]:
        """What every address last said of every name."""
        rows = []
        for target in self.targets:
            for server in target.servers:
                for address in server.addresses:
                    seen = self._seen(address, target.name)
                    passed = seen.rounds >= target.profile.rounds
                    rows.append(
                        ProgressRow(target.name, server.name, address, seen.summary, seen.since, passed)
                    )
        return rows
