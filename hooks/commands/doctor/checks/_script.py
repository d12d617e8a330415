"""A hook's file: can the kernel run what it says in its first line (execve(2))?"""

from __future__ import annotations

import os

from .....regular_file import open_regular
from ..finding import Examined, Finding, Severity

MOST = 256  # octets of the first line that Linux reads


def unusable(examined: Examined, path: str) -> Finding | None:
    """Why a script that is there cannot be run; None if nothing speaks against it."""
    try:
        with open_regular(examined.path(path)) as file:
            line = file.readline(MOST)
    except (OSError, ValueError):
        return None
    if not line.startswith(b"#!"):
        return None
    if line.rstrip(b"\n").endswith(b"\r"):
        return Finding(
            "carriage-returns",
            Severity.ERROR,
            path,
            f"{path} has the line ends of Windows (CR LF), with which no script can be run",
            (f"sed -i 's/\\r$//' {path}",),
        )
    interpreter = os.fsdecode(line[2:].strip().partition(b" ")[0])
    if not interpreter.startswith("/") or os.path.exists(examined.path(interpreter)):
        return None
    return Finding(
        "hook-interpreter-gone",
        Severity.ERROR,
        path,
        f"{path} is to be run by {interpreter}, which is not there (its first line names it): an upgrade of "
        "Python takes a virtual environment's away",
        (
            f"install it again, in a new virtual environment, or write what there is into line 1 of {path}",
            f"see for yourself: head -1 {path}; ls -lL {interpreter}",
        ),
    )
