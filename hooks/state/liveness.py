"""What an earlier call left behind, and whether this one may deal with it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ..clients.process import Client, is_alive
from .atomic import read_own
from .store import LARGEST_RECORD, MALFORMED

RETRY_INTERVAL = 600.0  # seconds until a failure is tried again, where the client's run cannot be told
ABANDONED = 7200.0  # seconds: twice the life of a pending authorization; nobody else is at work on it then


def is_abandoned(client: Client | None, since: float, now: float) -> bool:
    """Whether nobody is at work any more on what was begun at ``since`` for the client (epoch seconds):
    the client has ended, or it cannot be judged and a long time has passed."""
    alive = is_alive(client) if client else None
    return now - since > ABANDONED if alive is None else not alive


def is_due(client: Client | None, tried: float, now: float) -> bool:
    """Whether nobody else is at work on a delivery, and this run has not tried it yet: a target that hangs
    must not do so at each of many certificates. ``tried``, ``now``: epoch seconds."""
    if client is None:
        return now - tried >= RETRY_INTERVAL
    return is_abandoned(client, tried, now)


def is_due_file(path: str) -> bool:
    """The same of a file of the ledger; True for what cannot be read. Raises OSError."""
    if not path.endswith(".json"):
        return False
    try:
        data: Mapping[str, Any] = json.loads(read_own(path, LARGEST_RECORD))
        return is_due(data["client"] and Client(**data["client"]), data["tried"], time.time())
    except FileNotFoundError:  # done by another process
        return False
    except MALFORMED:
        return True
