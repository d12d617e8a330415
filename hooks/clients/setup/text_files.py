"""Files of other programs, read as text, beneath a folder that stands for /."""

from __future__ import annotations

import os
from glob import glob

from ....regular_file import read_regular

LARGEST_TEXT = 16 << 20  # octets of a file that is read as a whole


def read_text(path: str, root: str = "/") -> str | None:
    """The text of a file, with line feeds as line ends; None where ``read_octets`` has none."""
    octets = read_octets(path, root)
    return None if octets is None else octets.decode(errors="replace").replace("\r\n", "\n")


def read_octets(path: str, root: str = "/") -> bytes | None:
    """The content of a file; None if there is none that this user may read, or if what is there is no file,
    or has more than LARGEST_TEXT octets."""
    try:
        return read_regular(beneath(path, root), LARGEST_TEXT)
    except (OSError, ValueError):
        return None


def beneath(path: str, root: str) -> str:
    """The absolute path in the folder ``root``, which stands for /."""
    return os.path.join(root, path.lstrip("/"))


def find(pattern: str, root: str = "/") -> list[str]:
    """The absolute paths that fit a shell's pattern, in their order, as they are beneath ``root``."""
    return [f"/{os.path.relpath(path, root)}" for path in sorted(glob(beneath(pattern, root)))]


def is_gone(path: str, root: str = "/") -> bool:
    """Whether nothing is there, rather than something that this user may not see."""
    try:
        os.stat(beneath(path, root))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def is_empty(path: str, root: str = "/") -> bool:
    """Whether a file is there and has nothing in it, as a full disk leaves them."""
    try:
        return os.path.getsize(beneath(path, root)) == 0
    except (OSError, ValueError):
        return False
