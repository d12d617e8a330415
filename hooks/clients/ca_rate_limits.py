"""What a CA says of its limits (RFC 8555 §6.6): until when they hold, and what to do meanwhile."""

from __future__ import annotations

import re
from datetime import UTC, datetime

LONGEST_WINDOW = 7 * 86400.0  # seconds: no CA counts for longer

_LIMITED = "urn:ietf:params:acme:error:rateLimited"
_RETRY_AFTER = re.compile(r"retry after (\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)", re.IGNORECASE)
_UNPAUSE = re.compile(r"https://[^\s\"<>]*/unpause\?[^\s\"<>)]+")


def limit(problem: str) -> str:
    """What to do about a limit of the CA, and until when it holds; empty if the problem is none."""
    paused = _UNPAUSE.search(problem)
    if paused:
        return f"the CA has paused these names after many failures: mend what failed, then open {paused[0]}"
    if _LIMITED not in problem:
        return ""
    until = ends(problem)
    when = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "for a while: it says how long in Retry-After"
    return (
        f"the CA takes no more of these {when}: stop what tries before (cron, a timer), mend what failed, "
        "and try with its staging directory meanwhile, which has limits of its own"
    )


def ends(problem: str) -> datetime | None:
    """When the limit ends, if the CA has said so; aware."""
    if not (found := _RETRY_AFTER.search(problem)):
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        return None
