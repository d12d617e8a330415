"""How bad it is: levels, the problems that have one, and when an expiry becomes one.

A certificate is to be renewed with a third of its lifetime left, or half of a short one (certbot),
or 32 days (dehydrated). So it is a WARNING with less than a quarter left, and CRITICAL with less
than a tenth, but never with more than 21 and 7 days: of 90 days with those, of 6 with 36 and 14 hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from ...deploy.certificate.leaf import IssuerCertificate, Leaf

WARNING_SHARE, WARNING_MOST = 1 / 4, timedelta(days=21)
CRITICAL_SHARE, CRITICAL_MOST = 1 / 10, timedelta(days=7)
CLOCK_SKEW = timedelta(minutes=5)  # that the clock of a CA may be ahead of this machine's


class Level(IntEnum):
    """The exit codes of monitoring plugins."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3

    @property
    def gravity(self) -> int:
        """A rank to sort by: UNKNOWN stands between OK and WARNING."""
        return (Level.OK, Level.UNKNOWN, Level.WARNING, Level.CRITICAL).index(self)


class Problem(NamedTuple):
    """One thing that is wrong. ``subject``: the same for the same thing at every look at it.
    ``code``: a stable word for programs. ``text``: one line, which names the thing."""

    level: Level
    subject: str
    code: str
    text: str
    hint: str = ""


class Limits(NamedTuple):
    """How much time is left when a certificate becomes a problem, where the shares of its lifetime are not to
    decide."""

    warning: timedelta | None = None
    critical: timedelta | None = None

    def warns(self, leaf: Leaf) -> timedelta:
        """The time before the expiry from which on it is a WARNING."""
        return self.warning if self.warning is not None else _share(leaf, WARNING_SHARE, WARNING_MOST)

    def alarms(self, leaf: Leaf) -> timedelta:
        """The time before the expiry from which on it is CRITICAL."""
        if self.critical is not None:
            return self.critical
        return min(_share(leaf, CRITICAL_SHARE, CRITICAL_MOST), self.warns(leaf))


def reminding(days: float, leaf: Leaf) -> Limits:
    """The limits of who wants to know ``days`` before; of a certificate that lives hardly longer,
    with a quarter left."""
    return Limits(min(timedelta(days=days), (leaf.not_after - leaf.not_before) * WARNING_SHARE))


def worst(problems: Iterable[Problem]) -> Level:
    """The gravest level of all."""
    return max((problem.level for problem in problems), key=lambda level: level.gravity, default=Level.OK)


def with_hints(problems: Iterable[Problem]) -> Iterator[tuple[Problem, str]]:
    """Each with what to do about it, which is empty where one before it has said the same."""
    mentioned = {""}
    for problem in problems:
        yield problem, "" if problem.hint in mentioned else problem.hint
        mentioned.add(problem.hint)


def expiry(subject: str, title: str, leaf: Leaf, limits: Limits, now: datetime) -> Problem | None:
    """The problem of a certificate that has expired, is about to, or is not valid yet; None for any other."""
    if (early := leaf.not_before - now) > CLOCK_SKEW:
        text = f"{title} is not valid before {leaf.not_before:%Y-%m-%d %H:%M} UTC, in {span(early)}"
        return Problem(
            Level.CRITICAL, subject, "not-yet-valid", text, "see that this machine's clock is right"
        )
    left = leaf.not_after - now
    hint = "see what keeps the client from renewing it: `dns01 audit --failed`, `dns01 doctor --all`"
    if left <= timedelta(0):
        return Problem(Level.CRITICAL, subject, "expired", f"{title} expired {span(-left)} ago", hint)
    if left < max(limits.alarms(leaf), limits.warns(leaf)):
        level = Level.CRITICAL if left < limits.alarms(leaf) else Level.WARNING
        return Problem(level, subject, "expiring", f"{title} expires in {span(left)}", hint)
    return None


def issuer_expiry(
    subject: str, title: str, leaf: Leaf, issuer: IssuerCertificate, limits: Limits, now: datetime
) -> Problem | None:
    """The problem of a CA's own certificate that has expired or is about to; None for any other: what was
    issued with it is of no use then, however long it is valid itself."""
    if issuer.not_after >= leaf.not_after:
        return None
    whose = f"{title}: the CA's own certificate {issuer.name}, which it was issued with,"
    earlier = leaf.not_after - issuer.not_after
    ending = leaf._replace(not_before=leaf.not_before - earlier, not_after=issuer.not_after)
    hint = "have the client renew it: what it gets then is issued with the CA's next one"
    found = expiry(subject, whose, ending, limits, now)
    return found and found._replace(code=f"issuer-{found.code}", hint=hint)


def span(time: timedelta) -> str:
    """The time in words, in whole units and rounded down: "9 days"."""
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(time.total_seconds() // seconds)
        if count >= (2 if unit == "day" else 1):
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def _share(leaf: Leaf, share: float, most: timedelta) -> timedelta:
    return min((leaf.not_after - leaf.not_before) * share, most)
