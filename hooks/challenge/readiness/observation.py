"""What one address of a name server was last seen to say of one owner name."""

from collections.abc import Iterable
from math import inf
from typing import Literal, NamedTuple

from ...dns.address import Address
from ...dns.message import CNAME, Response

# Seconds between two queries of one address for one name that it does not have.
FIRST_RETRY_INTERVAL = 0.25  # in the first second
RETRY_INTERVAL = 0.4  # in the first minute; then ever longer, with the profile's pace
LONGEST_RETRY_INTERVAL = 5.0
FIRST_MINUTE = 60.0  # seconds

# silent: no response. lame: a response without authority, or an error. lacks: with authority, and
# without one of the values.
State = Literal["unasked", "has", "lacks", "lame", "silent"]


class ProgressRow(NamedTuple):
    """What one address says of one name, and since when (seconds since the wait began)."""

    name: str
    server: str
    address: Address
    summary: str
    since: float
    passed: bool


class Observation:
    """The state of one (address, name), and when to ask again; times in seconds since the wait began."""

    def __init__(self) -> None:
        self.state: State = "unasked"
        self.summary = "no answer"
        self.like_a_resolver = False
        self.since = 0.0  # when the state began
        self.rounds = 0  # responses in a row that had all values
        self.had_it = False  # whether it ever had all values
        self.had_since = inf  # when it first had them
        self.ttl = 0  # seconds, that it shows for them
        self.in_flight = False
        self.due = 0.0

    def see(self, response: Response, wanted: frozenset[str], now: float) -> None:
        """Take a response in: the state is what it says of the values ``wanted``."""
        self.in_flight = False
        self.like_a_resolver = response.like_a_resolver
        if response.message is None and self.state == "has":
            return  # a lost datagram takes nothing back
        if response.message is None:
            self._become("silent", response.summary, now)
        elif not response.authoritative:
            self._become("lame", response.summary, now)
        elif missing := wanted - response.texts:
            self._become("lacks", _lacks(response, missing, wanted), now)
        else:
            self._become("has", "has it", now)
            self.ttl = response.ttl
        if self.state == "has":
            self.had_it, self.had_since = True, min(self.had_since, now)
        self.rounds = self.rounds + 1 if self.state == "has" else 0

    def forget(self, now: float) -> None:
        """Ask anew, as if nothing had been seen; the time that a server has to answer begins now."""
        self.state, self.summary, self.rounds = "unasked", "no answer", 0
        self.had_since = inf
        self.since = self.due = now

    def _become(self, state: State, summary: str, now: float) -> None:
        useless = {"lame", "silent"}  # one after the other is still the same time without an answer
        if state != self.state and self.state != "unasked" and not {state, self.state} <= useless:
            self.since = now
        self.state, self.summary = state, summary


def have_lost_it(group: Iterable[Observation]) -> bool:
    """Whether one of these addresses had the values, and none has any more."""
    seen = list(group)
    if not any(each.had_it for each in seen) or any(each.state in ("has", "unasked") for each in seen):
        return False
    return any(each.state == "lacks" for each in seen)


def retry_interval(waited: float, pace: float) -> float:
    """Seconds until a server without the record is asked again."""
    if waited < 1:
        return FIRST_RETRY_INTERVAL
    if waited < FIRST_MINUTE:
        return RETRY_INTERVAL
    return min(LONGEST_RETRY_INTERVAL, max(RETRY_INTERVAL, pace * waited))


def _lacks(response: Response, missing: frozenset[str], wanted: frozenset[str]) -> str:
    if len(missing) < len(wanted):
        return f"has {len(wanted) - len(missing)} of {len(wanted)} values"
    if others := response.texts:
        return f"has {len(others)} other value{'s' if len(others) > 1 else ''} only"
    records = response.message.answer if response.message else ()
    aliases = [rr.target for rrset in records for rr in rrset if rrset.rdtype == CNAME]
    return f"says it is a CNAME to {aliases[0]}" if aliases else "does not have it yet"
