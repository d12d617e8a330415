"""How long an HTTP server wants to be left alone: the header Retry-After, of APIs and of CAs."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 86400.0  # seconds that a server is believed to want


def retry_after(header: str) -> float | None:
    """Seconds, from a number or a date (RFC 9110 §10.2.3), a day at most; None for anything else."""
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_PAUSE)
    try:
        pause = parsedate_to_datetime(header).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, pause), LONGEST_PAUSE)
