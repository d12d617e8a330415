"""What a CA allows, in one table, and when the next order fits.

Orders that replace a certificate within its renewal window (RFC 9773 §5) are exempt at Let's Encrypt.
A CA that publishes no figures has no row: its ``rateLimited`` (RFC 8555 §6.6) decides, with Retry-After.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from ....providers.base import is_within
from .registered_domain import registered_domain

Kind = Literal["order", "issued"]

HOUR, DAY = 3600.0, 86400.0


class Limit(NamedTuple):
    """No more than ``most`` events of the kind within ``window`` seconds, for each ``per``."""

    title: str
    kind: Kind
    per: Literal["account", "registered domain", "exact set"]
    most: int
    window: float


# https://letsencrypt.org/docs/rate-limits/ (as of 2026-08)
LETS_ENCRYPT = (
    Limit("300 orders per account in 3 hours", "order", "account", 300, 3 * HOUR),
    Limit("50 certificates per registered domain in 7 days", "issued", "registered domain", 50, 7 * DAY),
    Limit("5 certificates per exact set of names in 7 days", "issued", "exact set", 5, 7 * DAY),
)
LIMITS: Mapping[str, tuple[Limit, ...]] = {"acme-v02.api.letsencrypt.org": LETS_ENCRYPT}

# The same page: 5 failed validations per name, account and hour, whatever the order was for. So a
# certificate whose validation has failed is left alone for more than a fifth of an hour.
VALIDATION_BACKOFF = 900.0  # seconds after the first failure; doubled by each
BACKOFF = 60.0  # after any other failure
LONGEST_BACKOFF = DAY


class Event(NamedTuple):
    """Something that a CA counts. ``at``: epoch seconds. Exempt orders are not kept."""

    kind: Kind
    at: float
    names: tuple[str, ...]


class Fit(NamedTuple):
    """When an order fits (epoch seconds), and the limit that it has to wait for."""

    at: float
    limit: Limit | None = None


class Budget:
    """The limits of one account at one CA, with the events that count so far."""

    def __init__(self, limits: Iterable[Limit], events: Iterable[Event]) -> None:
        self._limits = tuple(limits)
        self._times: dict[tuple[Limit, str], list[float]] = defaultdict(list)
        for event in sorted(events, key=lambda event: event.at):
            for limit in self._limits:
                if limit.kind == event.kind:
                    for key in _keys(limit, event.names):
                        self._times[limit, key].append(event.at)

    def fit(self, names: tuple[str, ...], now: float) -> Fit:
        """The first moment from ``now`` on at which a new order for the names is within every limit."""
        latest = Fit(now)
        for limit in self._limits:
            for key in _keys(limit, names):
                times = self._times[limit, key]
                if len(times) >= limit.most:
                    at = times[-limit.most] + limit.window
                    if at > latest.at:
                        latest = Fit(at, limit)
        return latest

    def take(self, names: tuple[str, ...], at: float) -> None:
        """Count an order at that time, and the certificate that is to come of it."""
        for limit in self._limits:
            for key in _keys(limit, names):
                self._times[limit, key].append(at)


def limits_of(directory: str) -> tuple[Limit, ...]:
    """The limits of the CA with this ACME directory; none where it publishes none."""
    host = urlsplit(directory).hostname or ""
    return next((limits for name, limits in LIMITS.items() if is_within(host, name)), ())


def backoff(failures: int, *, validation: bool) -> float:
    """Seconds to leave a certificate alone for after so many failures in a row."""
    first = VALIDATION_BACKOFF if validation else BACKOFF
    return float(min(first * 2.0 ** min(max(failures, 1) - 1, 16), LONGEST_BACKOFF))


def _keys(limit: Limit, names: tuple[str, ...]) -> Iterable[str]:
    match limit.per:
        case "account":
            return ("",)
        case "exact set":
            return (" ".join(sorted(names)),)
        case _:
            return {registered_domain(name) for name in names}
