"""Quotes of a text processor's, which come along when a value is copied from a web page or a letter."""

from __future__ import annotations

TYPOGRAPHIC = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb"


def is_typographic(value: str) -> bool:
    """Whether a value stands between quotes of a text processor's, which are none to a shell."""
    return len(value) > 1 and value[0] in TYPOGRAPHIC and value[-1] in TYPOGRAPHIC
