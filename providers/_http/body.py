"""An answer of HTTP, and its body: no larger than it may be, however it is compressed."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

GZIP_OR_ZLIB = 47  # what zlib calls it
DEEPEST = 100  # levels of JSON; no API has so many
# A string without an end is one to the end.
TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]', re.DOTALL)


class UnreadableAnswer(Exception):
    """The answer is larger than is believed of an API, or compressed in another way than it may be."""


class HttpResponse(NamedTuple):
    """An answer: all of it, uncompressed. The names of ``headers`` may be in any letter case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The content as text; what is not UTF-8 in it is replaced."""
        return self.content.decode(errors="replace")


def parsed(content: bytes) -> Any:
    """The JSON that it is. Raises ValueError where it is none, or is nested deeper than ``DEEPEST``: at
    the limit of Python's own, whatever is collected as garbage meanwhile cannot finish its work."""
    if content.count(b"[") + content.count(b"{") > DEEPEST:
        depth = 0
        for token in TOKENS.finditer(content):
            depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
            if depth > DEEPEST:
                raise ValueError("it is nested too deep")
    return json.loads(content)


def whole(pieces: Iterable[bytes], encoding: str, largest: int) -> bytes:
    """The body, uncompressed piece by piece, so that a small one that would fill the memory cannot.

    ``encoding``: the header Content-Encoding; ``largest``: octets, uncompressed. Raises UnreadableAnswer.
    """
    if encoding.lower() not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise UnreadableAnswer("is compressed in a way that was not asked for")
    unzip = zlib.decompressobj(GZIP_OR_ZLIB) if encoding.lower() not in ("", "identity") else None
    content = bytearray()
    for piece in pieces:
        try:
            content += unzip.decompress(piece, largest + 1 - len(content)) if unzip else piece
        except zlib.error as error:
            raise UnreadableAnswer(f"is not compressed as it says ({error})") from None
        if len(content) > largest:
            raise UnreadableAnswer(f"is larger than {largest >> 10} KiB")
    return bytes(content)
