"""What may be the reason that a record is not ready, in words, with its remedy."""

from __future__ import annotations

from typing import NamedTuple


class Cause(NamedTuple):
    """A cause that was found, and its remedy. ``code``: a stable word. ``description``: one or two sentences.
    ``remedy``: what to do about it."""

    code: str
    description: str
    remedy: str
