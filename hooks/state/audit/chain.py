"""The chain: each line has a number, the hash of the line before it, and its own.

A line ends with ``, "hash": "…"}``: SHA-256, in hexadecimal, of the line's octets without that field, that
is, up to the comma and with the closing brace. ``prev`` is the hash of the line before, "" in the first.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_HASH = re.compile(rb', "hash": "([0-9a-f]{64})"\}\s*\Z')


class Link(NamedTuple):
    """A line of the chain. ``intact``: whether it is as it was written."""

    seq: int
    prev: str
    hash: str
    intact: bool


def seal(record: Mapping[str, Any], seq: int, prev: str) -> bytes:
    """The record as a line of the chain, with its number, the hash of the line before (``prev``) and its own;
    without a line feed."""
    body = json.dumps({"seq": seq, "prev": prev, **record}).encode()
    return body[:-1] + b', "hash": "%s"}' % _digest(body).encode()


def link(line: bytes) -> Link | None:
    """What the line says of its place; None if it is not whole, or no line of a chain."""
    found = _HASH.search(line)
    if not found:
        return None
    body = line[: found.start()] + b"}"
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    seq, prev = record.get("seq"), record.get("prev")
    if type(seq) is not int or not isinstance(prev, str):
        return None
    claimed = found[1].decode()
    return Link(seq, prev, claimed, claimed == _digest(body))


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
