"""TXT values in master-file notation, as most APIs show them (RFC 1035 §5.1)."""

from __future__ import annotations

import re

STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
STRINGS = re.compile(rf"{STRING.pattern}(?: {STRING.pattern})*")


def quoted(value: str) -> str:
    """Character-strings of 255 octets at most, each in quotes."""
    strings = [value[start : start + 255] for start in range(0, len(value), 255)] or [""]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", string) + '"' for string in strings)


def unquoted(text: str) -> str:
    """The value, from that notation or from the bare value."""
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", "".join(STRING.findall(text)))
