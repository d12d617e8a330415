"""The files of the trail: the one that is written, and those that were rotated, here or by logrotate."""

import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO, NamedTuple, cast

from ....errors import StateError
from ....regular_file import open_regular
from ..atomic import discard, iso
from . import chain

FILE = "audit.jsonl"
LARGEST_TRAIL = 1 << 30  # octets of a file; one that is rotated by itself has 8 MiB
LONGEST_LINE = 16 << 20  # octets of a line; one of a wave of 10,000 certificates has 2 MiB
TAILS = (1 << 16, LONGEST_LINE)  # octets at the end of a file to look for its last line in

TOO_LARGE = f"it has more than {LARGEST_TRAIL >> 20} MiB"
COMPRESSED = (".gz", ".xz", ".bz2", ".zst")
DAMAGED = (OSError, ValueError, EOFError, zlib.error)
_OURS = re.compile(r"-\d{8}T\d{9}Z(\.gz)?")  # what ``rotate`` appends to the name


class AuditLine(NamedTuple):
    """A line of a file, without its line feed; ``ends``: whether it had one."""

    path: str
    number: int
    text: bytes
    ends: bool = True


def lines(path: str, skip: Callable[[StateError], None] | None = None) -> Iterator[AuditLine]:
    """Every line of the trail, oldest first, rotated files included. A trail that is being rotated
    meanwhile is read once and whole.

    ``skip`` is told of a rotated file that cannot be read; without it that raises StateError, as it does
    for the file at ``path``.
    """
    with ExitStack() as stack:
        current = _current(stack, path)  # before the others are listed: it may become one of them
        inode = os.fstat(current.fileno()).st_ino if current else 0
        for older in rotated(path):
            yield from _lines_of(older, skip, inode)
        if current:
            with _told(path):
                yield from _split(path, current)


def rotated(path: str) -> list[str]:
    """The rotated files, oldest first. What was compressed counts only where the plain file is gone."""
    folder, name = os.path.split(path)
    try:
        names = set(os.listdir(folder or "."))
    except OSError:
        return []
    found = [
        os.path.join(folder, each)
        for each in names
        if each.startswith((f"{name}.", f"{name}-")) and _plain(each) not in names - {each}
    ]
    return sorted(found, key=_age)


def rotate(path: str, now: float, keep: int) -> None:
    """Rename the file, so that the next line begins a new one, and remove the oldest of those that this has
    rotated but for ``keep``, if that is not 0. To be called under the lock of the trail. Raises OSError."""
    target = f"{path}-{re.sub('[-:.]', '', iso(now))}"
    if os.path.lexists(target):
        return
    os.rename(path, target)
    ours = [each for each in rotated(path) if _OURS.fullmatch(each.removeprefix(path))]
    for each in ours[: -keep or len(ours)] if keep else ():
        discard(each)


def last_link(path: str) -> chain.Link | None:
    """The last line of the chain. Raises StateError where a file cannot be read just now: a chain that began
    anew after it would look as if somebody had."""
    link = _last_link_of(path)
    if link:
        return link
    found = (_last_link_of(each) for each in reversed(rotated(path)))
    return next((each for each in found if each), None)


def tail(path: str, size: int) -> bytes:
    """The last ``size`` octets of one file. Raises StateError."""
    try:
        with _opened(path) as file:
            if not path.endswith(COMPRESSED):
                file.seek(max(0, _end_of_content(file) - size))
                return file.read(size).rstrip(b"\0")
            kept = b""
            while chunk := file.read(1 << 20):
                kept = (kept + chunk)[-size:]
            return kept
    except FileNotFoundError:
        return b""
    except DAMAGED as error:
        raise _unreadable(path, error) from error


def _end_of_content(file: BinaryIO) -> int:
    """Where the file ends, but for zeros, which a crash leaves where a file has grown and its content is not
    yet on the disk."""
    end = os.fstat(file.fileno()).st_size
    while end > 0:
        start = max(0, end - TAILS[0])
        file.seek(start)
        if piece := file.read(end - start).rstrip(b"\0"):
            return start + len(piece)
        end = start
    return 0


def _last_link_of(path: str) -> chain.Link | None:
    try:
        for size in TAILS:
            found = tail(path, size)
            for line in reversed(found.split(b"\n")):
                if link := chain.link(line):
                    return link
            if len(found) < size:
                break
    except StateError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno:  # and not what is in the file
            raise
    return None


def _current(stack: ExitStack, path: str) -> BinaryIO | None:
    try:
        return stack.enter_context(_opened(path))
    except FileNotFoundError:
        return None
    except DAMAGED as error:
        raise _unreadable(path, error) from error


def _lines_of(path: str, skip: Callable[[StateError], None] | None, besides: int) -> Iterator[AuditLine]:
    """Those of a rotated file, unless it is the one with that inode."""
    try:
        with _told(path), _opened(path) as file:
            if os.fstat(file.fileno()).st_ino != besides:
                yield from _split(path, file)
    except StateError as error:
        if not skip:
            raise
        skip(error)


def _split(path: str, file: BinaryIO) -> Iterator[AuditLine]:
    number = octets = 0
    while text := file.readline(LONGEST_LINE):
        number, octets = number + 1, octets + len(text)
        if octets > LARGEST_TRAIL:  # of what is compressed
            raise ValueError(TOO_LARGE)
        yield AuditLine(path, number, text.rstrip(b"\n"), text.endswith(b"\n"))


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:  # rotated once more meanwhile, or no longer kept
        return
    except DAMAGED as error:
        raise _unreadable(path, error) from error


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """The file, decompressed if its name says that it is compressed. Raises what is in DAMAGED."""
    with open_regular(path, os.O_NOFOLLOW) as plain:
        if path.endswith(".gz"):
            import gzip

            with gzip.GzipFile(fileobj=plain) as file:
                yield cast(BinaryIO, file)
        elif path.endswith(COMPRESSED):
            raise ValueError("of what is compressed, only .gz is read")
        elif os.fstat(plain.fileno()).st_size > LARGEST_TRAIL:
            raise ValueError(TOO_LARGE)
        else:
            yield plain


def _plain(name: str) -> str:
    return name[: name.rindex(".")] if name.endswith(COMPRESSED) else name


def _age(path: str) -> tuple[int, float, str]:
    """Sorts the rotated files: by the number of their first line in the chain, and where there is none (an
    older version has written it) before those, by the time of their last change."""
    with suppress(*DAMAGED), _opened(path) as file:
        for _ in range(50):
            if link := chain.link(file.readline(LONGEST_LINE)):
                return link.seq, 0.0, path
    with suppress(OSError):
        return 0, os.lstat(path).st_mtime, path
    return 0, 0.0, path


def _unreadable(path: str, error: Exception) -> StateError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    hint = f"see what it is (ls -l {path}); what is moved out of the folder is not looked at"
    return StateError(f"the audit trail {path} cannot be read: {why}", hint)
