"""When a record is ready: every authoritative server says so.

``PropagationCheck`` decides, and never touches a socket or a clock; ``wait`` puts its queries on the wire.
A *pair* is one address and one owner name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import dns.rdatatype

from ...errors import NotReady
from ...providers.base import Profile
from ..dns.address import Address
from ..dns.delegation import Server
from ..dns.message import TXT, Query, Response
from ..dns.transport import Transport

SHORTEST_RETRY_INTERVAL = 0.25  # seconds between two queries of one pair, at least
LONGEST_RETRY_INTERVAL = 5.0
ROUND_INTERVAL = 2.0  # seconds between two rounds of a server on which many machines share an address
OTHER_ADDRESSES_GRACE = (
    0.25  # seconds that a server's other addresses get to speak up once one has the record
)
DEGRADED_AFTER = 30.0  # seconds without a word until resolvers may decide in the place of servers
PROGRESS_INTERVAL = 1.0  # seconds between two looks at the live table


class Target(NamedTuple):
    """The values that must be seen at an owner name, and by whom.

    ``substitute``: whether resolvers may decide where too few of the servers can be asked.
    """

    name: str
    values: frozenset[str]
    servers: tuple[Server, ...]
    profile: Profile
    substitute: bool = False


class EachName(NamedTuple):
    """What becomes of each name by itself, as soon as its own wait is over: ``ready`` gets those that
    are on all of their servers, ``late`` the error of those whose time is out."""

    ready: Callable[[Sequence[str]], None]
    late: Callable[[NotReady], None]


class Row(NamedTuple):
    """What one address says of one name, and since when (seconds since the wait began)."""

    name: str
    server: str
    address: Address
    words: str
    since: float
    passed: bool


class _Observation:
    """One address asked about one name."""

    def __init__(self) -> None:
        self.state = "unasked"  # unasked, has, lacks, mute (silent, lame or broken)
        self.words = "no answer"
        self.like_a_resolver = False
        self.since = 0.0
        self.rounds = 0
        self.in_flight = False
        self.due: float | None = 0.0

    def told(self, state: str, words: str, now: float) -> None:
        if state != self.state and "unasked" not in (self.state, state):
            self.since = now
        self.state, self.words = state, words


class PropagationCheck:
    """Which queries are due, what the answers mean, and whether all is ready.

    Times are seconds since the wait began. READINESS, steps 8 and 9: a server (an NS name) passes
    when one of its addresses does and none lacks a value; who is silent or lame for the profile's
    patience is excused; who answers with authority and lacks a value never is.
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        self.targets = tuple(targets)
        self.seconds = 0.0  # that the wait has taken so far
        self._pairs = {
            (address, target.name): _Observation()
            for target in self.targets
            for server in target.servers
            for address in server.addresses
        }
        self._by_name = {target.name: target for target in self.targets}

    def due(self, now: float) -> list[Query]:
        """The queries to ask now."""
        queries = []
        for (address, name), pair in self._pairs.items():
            if not pair.in_flight and pair.due is not None and pair.due <= now:
                pair.in_flight = True
                queries.append(Query(address, name, TXT))
        return queries

    def saw(self, query: Query, answer: Response, now: float) -> None:
        """Take an answer in."""
        if query.name not in self._by_name:  # dropped, while it was being asked about
            return
        target = self._by_name[query.name]
        pair = self._pairs[query.server, query.name]
        pair.in_flight = False
        pair.like_a_resolver = answer.like_a_resolver
        if not answer.authoritative:
            pair.told("mute", answer.words, now)
        elif missing := target.values - answer.texts:
            pair.told("lacks", _lacks(answer, missing, target.values), now)
        else:
            pair.told("has", "has it", now)
            pair.rounds += 1
            pair.due = now + ROUND_INTERVAL if pair.rounds < target.profile.rounds else None
            return
        pair.rounds = 0
        pair.due = now + min(LONGEST_RETRY_INTERVAL, max(SHORTEST_RETRY_INTERVAL, target.profile.pace * now))

    def ready(self, now: float) -> bool:
        """Whether every name is on all of its servers, the excused ones left out."""
        return all(self._name_ready(target, now) for target in self.targets)

    def excused(self, now: float) -> list[str]:
        """The servers that do not count, each with what it said."""
        lines = []
        for target in self.targets:
            for server in target.servers:
                if self._standing(server, target, now) == "excused":
                    said = [f"{a}: {self._pairs[a, target.name].words}" for a in server.addresses]
                    lines.append(f"{server.name} ({', '.join(said) or 'no address'})")
        return list(dict.fromkeys(lines))

    def unready(self, now: float) -> list[str]:
        """The names that are not on all of their servers."""
        return [target.name for target in self.targets if not self._name_ready(target, now)]

    def names_ready(self, now: float) -> list[str]:
        """The names that are on all of their servers."""
        return [target.name for target in self.targets if self._name_ready(target, now)]

    def late(self, now: float) -> list[str]:
        """The names that are not ready and have used up their time-outs."""
        return [
            target.name
            for target in self.targets
            if now >= target.profile.timeout and not self._name_ready(target, now)
        ]

    def drop(self, names: Iterable[str]) -> None:
        """Ask no more about these names."""
        gone = set(names)
        self.targets = tuple(target for target in self.targets if target.name not in gone)
        self._pairs = {key: pair for key, pair in self._pairs.items() if key[1] not in gone}
        self._by_name = {target.name: target for target in self.targets}

    def over(self, now: float) -> bool:
        """Whether the wait is: every name is ready, or resolvers shall decide, too few of its servers
        having been to be asked for ``DEGRADED_AFTER`` seconds (READINESS, step 10)."""
        return all(self._name_ready(target, now) or self._name_barred(target, now) for target in self.targets)

    def intercepted(self) -> list[Address]:
        """The addresses that answer like a resolver."""
        pairs = self._pairs.items()
        return list(dict.fromkeys(address for (address, _), pair in pairs if pair.like_a_resolver))

    def overdue(self, now: float) -> bool:
        """Whether a name that is not ready has used up its time-out."""
        return bool(self.late(now))

    def pause(self, now: float) -> float:
        """Seconds until something changes by itself."""
        moments = [pair.due for pair in self._pairs.values() if pair.due is not None and not pair.in_flight]
        for target in self.targets:
            moments += [target.profile.timeout, target.profile.patience, OTHER_ADDRESSES_GRACE]
        moments += [
            pair.since + patience
            for (_, name), pair in self._pairs.items()
            for patience in (self._by_name[name].profile.patience, DEGRADED_AFTER)
            if pair.state == "mute"
        ]
        return min([PROGRESS_INTERVAL, *(moment - now for moment in moments if moment > now)])

    def rows(self) -> list[Row]:
        """What every address last said of every name."""
        rows = []
        for target in self.targets:
            for server in target.servers:
                for address in server.addresses:
                    pair = self._pairs[address, target.name]
                    passed = pair.rounds >= target.profile.rounds
                    rows.append(Row(target.name, server.name, address, pair.words, pair.since, passed))
        return rows

    def waiting_for(self, now: float) -> list[str]:
        """The servers that hold things up."""
        names = (
            server.name
            for target in self.targets
            for server in target.servers
            if self._standing(server, target, now) == "waiting"
        )
        return list(dict.fromkeys(names))

    def _name_ready(self, target: Target, now: float) -> bool:
        standings = [self._standing(server, target, now) for server in target.servers]
        return "waiting" not in standings and 2 * standings.count("passes") >= max(1, len(standings))

    def _name_barred(self, target: Target, now: float) -> bool:
        standings = [self._standing(server, target, now) for server in target.servers]
        if not target.substitute or now < DEGRADED_AFTER or "waiting" in standings:
            return False
        silent_since = [
            self._pairs[address, target.name].since
            for server, standing in zip(target.servers, standings, strict=True)
            for address in server.addresses
            if standing == "excused"
        ]
        return now - max(silent_since, default=0.0) >= DEGRADED_AFTER and not self._name_ready(target, now)

    def _standing(self, server: Server, target: Target, now: float) -> str:
        pairs = [self._pairs[address, target.name] for address in server.addresses]
        if any(pair.state == "lacks" for pair in pairs):
            return "waiting"
        if any(pair.rounds >= target.profile.rounds for pair in pairs):
            hesitant = now < OTHER_ADDRESSES_GRACE and any(pair.state == "unasked" for pair in pairs)
            return "waiting" if hesitant else "passes"
        if any(pair.state == "has" for pair in pairs):
            return "waiting"
        patient = all(now - pair.since >= target.profile.patience for pair in pairs)
        return "excused" if patient else "waiting"


def wait(
    targets: Iterable[Target],
    progress: Callable[[PropagationCheck, float], None] = lambda watch, now: None,
    clock: Callable[[], float] = time.monotonic,
    each: EachName | None = None,
) -> PropagationCheck:
    """Ask until every server of every target has all its values (READINESS, steps 7 to 9), or there
    is nobody to ask: those names are still ``unready`` then.

    Raises NotReady at the time-out of the first name, with what each server last said; with ``each``,
    the other names go on.
    """
    watch = PropagationCheck(targets)
    began = clock()
    with Transport() as transport:
        while True:
            now = watch.seconds = clock() - began
            if each:
                _release(watch, each, now)
            if watch.over(now):
                return watch
            if watch.overdue(now):
                raise _not_ready(watch, watch.unready(now), now)
            transport.send(watch.due(now))
            for query, answer in transport.collect(watch.pause(now)):
                watch.saw(query, answer, clock() - began)
            progress(watch, clock() - began)


def _release(watch: PropagationCheck, each: EachName, now: float) -> None:
    if ready := watch.names_ready(now):
        watch.drop(ready)
        each.ready(ready)
    if late := watch.late(now):
        error = _not_ready(watch, late, now)
        watch.drop(late)
        each.late(error)


def _not_ready(watch: PropagationCheck, names: Sequence[str], now: float) -> NotReady:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    rows = [row for row in watch.rows() if row.name in names]
    late = next((row for row in rows if not row.passed), None)
    port = f" -p {late.address.port}" if late and late.address.port != 53 else ""
    dig = f"{late.name} +norec @{late.address.ip}{port}" if late else f"{names[0]} +trace"
    return NotReady(
        f"after {now:.0f} s not every name server has {shown}",
        f"ask again: dig TXT {dig}; if it is only slow, raise timeout (DNS01_TIMEOUT)",
        report=tuple(
            f"{row.name}: {row.server} ({row.address}) {row.words}, since {now - row.since:.0f} s"
            for row in rows
        ),
        names=tuple(names),
    )


def _lacks(answer: Response, missing: frozenset[str], wanted: frozenset[str]) -> str:
    if len(missing) < len(wanted):
        return f"has {len(wanted) - len(missing)} of {len(wanted)} values"
    if others := answer.texts:
        return f"has {len(others)} other value{'s' if len(others) > 1 else ''} only"
    aliases = (
        [rr.target for rrset in answer.message.answer for rr in rrset if rrset.rdtype == dns.rdatatype.CNAME]
        if answer.message
        else []
    )
    return f"says it is a CNAME to {aliases[0]}" if aliases else "does not have it yet"
