"""What an earlier call left behind, and whether this one may deal with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..clients.process import ClientProcess, is_alive
from .atomic import read_own
from .store import LARGEST_RECORD, MALFORMED, VERSION

RETRY_INTERVAL = 600.0  # seconds until a failure is tried again, where the client's run cannot be told
ABANDONED = 7200.0  # seconds: twice the life of a pending authorization; nobody else is at work on it then


def is_abandoned(client: ClientProcess | None, since: float, now: float) -> bool:
    """Whether nobody is at work any more on what was begun at ``since`` for the client (epoch seconds):
    the client has ended, or it cannot be judged and a long time has passed. (Or is yet to pass: the clock was
    wrong then, and is set.)"""
    alive = is_alive(client) if client else None
    return abs(now - since) > ABANDONED if alive is None else not alive


def is_due(client: ClientProcess | None, tried: float, now: float) -> bool:
    """Whether nobody else is at work on a delivery, and this run has not tried it yet: a target that hangs
    must not do so at each of many certificates. ``tried``, ``now``: epoch seconds."""
    if client is None:
        return abs(now - tried) >= RETRY_INTERVAL
    return is_abandoned(client, tried, now)


def is_due_file(path: str, ours: Collection[int] = ()) -> bool:
    """Whether a call may deal with what a file of the ledger has, as ``is_due``; True for what cannot be
    read, and for what a process of ``ours`` has written."""

    def is_due_record(data: Mapping[str, Any]) -> bool:
        return is_due(_client_of(data), data["tried"], time.time())

    return _is_for_us(path, ours, is_due_record)


def is_left_file(path: str, ours: Collection[int]) -> bool:
    """Whether an entry of the journal, by its file, is for any call to take back; True for what cannot be
    read, and for what a process of ``ours`` has written."""

    def is_left(data: Mapping[str, Any]) -> bool:
        return bool(data["state"] != "open" or is_abandoned(_client_of(data), data["opened"], time.time()))

    return _is_for_us(path, ours, is_left)


def _is_for_us(path: str, ours: Collection[int], judge: Callable[[Mapping[str, Any]], bool]) -> bool:
    if not path.endswith(".json"):
        return False
    try:
        data: Mapping[str, Any] = json.loads(read_own(path, LARGEST_RECORD))
        client = data["client"]
        return bool(data["version"] > VERSION or (client and client["pid"] in ours) or judge(data))
    except FileNotFoundError:  # done by another process
        return False
    except (OSError, *MALFORMED):
        return True


def _client_of(data: Mapping[str, Any]) -> ClientProcess | None:
    return ClientProcess(**data["client"]) if data["client"] else None
