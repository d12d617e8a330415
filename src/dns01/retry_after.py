"""How long an HTTP server wants to be left alone: what APIs and CAs say in headers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 86400.0  # seconds that a server is believed to want
OLDEST_EPOCH = 10**9  # seconds: a larger number is a time, and no pause
FAMILIES = ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-")  # none of which is a standard yet


def retry_after(header: str) -> float | None:
    """Seconds, from a number or a date (RFC 9110 §10.2.3), a day at most; None for anything else."""
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_PAUSE)
    moment = http_date(header)
    return None if moment is None else min(max(0.0, moment - time.time()), LONGEST_PAUSE)


def http_date(header: str) -> float | None:
    """Epoch seconds, from a date (RFC 9110 §5.6.7); None for anything else."""
    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, OverflowError):
        return None


def rate_limit_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until a limit that is used up is lifted, by the usual headers of APIs; None where they do not
    say. ``headers``: names in any letter case."""
    for family in FAMILIES:
        left, reset = headers.get(f"{family}Remaining", ""), headers.get(f"{family}Reset", "")
        if left.strip() == "0" and reset.isascii() and reset.isdigit():
            pause = float(reset) - (time.time() if int(reset) > OLDEST_EPOCH else 0.0)
            return min(max(0.0, pause), LONGEST_PAUSE)
    return None
