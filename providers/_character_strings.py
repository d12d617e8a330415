"""A TXT value in the presentation format: character-strings in quotes (RFC 1035 §5.1), and back."""

from __future__ import annotations

import re


def quoted(value: str) -> str:
    """The value in master-file notation: character-strings of 255 octets at most (RFC 1035 §5.1)."""
    strings = [value[start : start + 255] for start in range(0, len(value), 255)] or [""]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", string) + '"' for string in strings)


def unquoted(text: str) -> str:
    """The value of a TXT record, from its text in master-file notation or from the bare value:
    some APIs give back the one, some the other, and some what they were given."""
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)))
