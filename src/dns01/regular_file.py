"""Regular files, opened without ever waiting: what others may put in the place of one is refused.

A FIFO would be waited for until somebody writes to it, and a device may have no end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


@contextmanager
def open_regular(path: str, flags: int = 0, folder: int | None = None) -> Iterator[BinaryIO]:
    """A regular file, open for reading. ``flags``: os.O_NOFOLLOW refuses a link; ``folder``: the descriptor
    of the one that the path starts in.

    Raises OSError, and ValueError for anything else: a link, a folder, a FIFO, a device.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise ValueError("it is a link or a socket") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_at_most(file: BinaryIO, largest: int) -> bytes:
    """What is left of the file. Raises OSError, and ValueError if that is more than ``largest`` octets."""
    content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it has more than {largest} octets")
    return content


def read_regular(path: str, largest: int) -> bytes:
    """The content of a regular file; a link is followed. Raises OSError, and ValueError for what is none or
    has more than ``largest`` octets."""
    with open_regular(path) as file:
        return read_at_most(file, largest)
