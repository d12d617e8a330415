"""Whether what an earlier call has left to be brought somewhere is to be tried again by this one.

It is asked for every unchanged certificate of a run: nothing but the standard library is imported.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping

from ..clients.process import Client, is_gone
from .folder import state_dir

PAUSE = 600.0  # seconds until a failure is tried again, where the client's run cannot be told
ABANDONED = 7200.0  # seconds after which nobody else is at work on it any more


def is_due(client: Client | None, tried: float, now: float) -> bool:
    """Whether nobody else is at work on it, and this run has not tried it yet: a target that hangs
    must not do so at each of many certificates. ``tried``, ``now``: epoch seconds."""
    age = now - tried
    if client is None:
        return age >= PAUSE
    return is_gone(client) or age >= ABANDONED


def anything_due(environ: Mapping[str, str]) -> bool:
    """Whether any of what is pending is due; True as well for what cannot be read, so that the full
    way, which says why, is taken."""
    folder = os.path.join(state_dir(environ), "pending")
    try:
        return any(_is_due(os.path.join(folder, name)) for name in os.listdir(folder))
    except FileNotFoundError:  # done by another process
        return False
    except (OSError, LookupError, TypeError, ValueError):
        return True


def _is_due(path: str) -> bool:
    if not path.endswith(".json"):
        return False
    with open(path, "rb") as file:
        data = json.load(file)
    return is_due(data["client"] and Client(**data["client"]), data["tried"], time.time())
