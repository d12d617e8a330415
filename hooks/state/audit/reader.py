"""The records of the trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....errors import StateError
from ....output import warning
from . import files
from .record import decode

RECENT = 1 << 20  # octets


def read(path: str, *, since: str = "", **wanted: str) -> Iterator[dict[str, Any]]:
    """The records, oldest first, from ``since`` on (ISO 8601 UTC or the beginning of it).

    ``wanted``: fields that must have this value, or hold it where they are lists. A line that is
    no whole record (its writer was killed, or the disk was full) is passed over; a rotated file that
    cannot be read is warned about. Raises StateError.
    """
    for line in files.lines(path, skip=_warn):
        record = decode(line.text)
        if record and record["time"] >= since and all(_has(record, *item) for item in wanted.items()):
            yield record


def recent(path: str, size: int = RECENT) -> list[dict[str, Any]]:
    """The records in the last ``size`` octets of the trail, oldest first. Raises StateError."""
    content = files.tail(path, size)
    if len(content) < size:
        for older in files.rotated(path)[-1:]:
            content = files.tail(older, size - len(content)) + content
    return [record for record in map(decode, content.split(b"\n")) if record]


def _warn(error: StateError) -> None:
    warning(f"{error}: {error.hint}")


def _has(record: Mapping[str, Any], field: str, wanted: str) -> bool:
    value = record.get(field)
    return wanted in value if isinstance(value, list) else wanted == value
