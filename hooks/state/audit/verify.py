"""Whether the trail is as it was written: nothing removed, changed, added, or put in another order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ....errors import StateError
from . import chain, files
from .files import AuditLine


@dataclass
class Verification:
    """What a look at the whole trail has found. ``tampered``: what cannot have come about by itself.
    ``torn``: lines whose end is missing, as after a crash or on a full disk. ``zeros``: octets by file that
    are 0 in the place of lines. ``older``: lines from before the chain. ``links``: the chain, in its
    order."""

    files: list[str] = field(default_factory=list)
    tampered: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    zeros: dict[str, int] = field(default_factory=dict)
    older: int = 0
    links: dict[int, chain.Link] = field(default_factory=dict)

    @property
    def first(self) -> chain.Link | None:
        """The link of the lowest number; None: there is none."""
        return self.links[min(self.links)] if self.links else None

    @property
    def last(self) -> chain.Link | None:
        """The link of the highest number; None: there is none."""
        return self.links[max(self.links)] if self.links else None


def verify(path: str, expected: Sequence[tuple[int, str]] = ()) -> Verification:
    """Go through all files. ``expected``: numbers and hashes (or the beginnings of them) that were noted
    elsewhere. Raises StateError if the file that is written cannot be read."""
    reading = _Reading()
    for line in files.lines(path, skip=reading.skip):
        reading.take(line)
    found = reading.found
    found.tampered += _breaks(found.links, reading.places)
    for seq, digest in expected:
        if not (seq in found.links and digest and found.links[seq].hash.startswith(digest)):
            state = f"has the hash {found.links[seq].hash}" if seq in found.links else "is missing"
            found.tampered.append(f"line {seq}, noted with the hash {digest}, {state}")
    return found


class _Reading:
    """What the lines that were read so far say. ``places``: where each link of the chain stands."""

    def __init__(self) -> None:
        self.found = Verification()
        self.places: dict[int, AuditLine] = {}

    def skip(self, error: StateError) -> None:
        """A file that cannot be read."""
        self.found.tampered.append(str(error))

    def take(self, line: AuditLine) -> None:
        """One line, by itself and after those before it."""
        found = self.found
        if line.path not in found.files:
            found.files.append(line.path)
        if not line.text:
            return
        link = chain.link(line.text)
        if link is None:
            if not line.text.strip(b"\0"):
                found.zeros[line.path] = found.zeros.get(line.path, 0) + len(line.text)
            elif _is_torn(line.text):
                found.torn.append(_place(line))
            elif found.links:
                found.tampered.append(f"{_place(line)} is no line of the chain: it was added or changed")
            else:
                found.older += 1
            return
        if not link.intact:
            found.tampered.append(f"{_place(line)} (line {link.seq} of the chain) was changed")
        if (before := found.links.get(link.seq)) is not None:
            what = "is there twice" if before == link else "is there twice, with different content"
            found.tampered.append(f"{_place(line)}: line {link.seq} {what}")
            return
        if found.links and link.seq < max(found.links):
            found.tampered.append(f"{_place(line)}: line {link.seq} is not in its place")
        found.links[link.seq] = link
        self.places[link.seq] = line


def _is_torn(text: bytes) -> bool:
    """Whether the line is the beginning of one, or has lost it, as file systems have it after a crash."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text.startswith((b"{", b"\0"))
    return False


def _breaks(links: dict[int, chain.Link], places: dict[int, AuditLine]) -> Iterator[str]:
    """Where a line does not follow the one before."""
    numbers = sorted(links)
    if numbers and numbers[0] == 1 and links[1].prev:
        yield f"{_place(places[1])}: line 1 says that there was one before it"
    for before, seq in pairwise(numbers):
        if seq > before + 1:
            which = f"line {before + 1} is" if seq == before + 2 else f"lines {before + 1} to {seq - 1} are"
            yield f"{_place(places[seq])}: {which} missing before line {seq}"
        elif links[seq].prev != links[before].hash:
            yield f"{_place(places[seq])}: line {seq} does not follow line {before}: that is another one now"


def _place(line: AuditLine) -> str:
    return f"{line.path}:{line.number}"
