"""The files that ``dns01 status`` writes, for programs of other users to read."""

from __future__ import annotations

import os
from contextlib import suppress

from ....errors import StateError


def write(path: str, text: str, hint: str) -> None:
    """Write the file: whole or not at all, and for everybody to read. Raises StateError with the ``hint``."""
    path = os.path.abspath(path)
    temporary = f"{path}.{os.urandom(4).hex()}.tmp"  # node_exporter reads *.prom alone
    try:
        try:
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with open(file, "w", encoding="utf-8") as stream:
                os.fchmod(file, 0o644)  # whatever the umask
                stream.write(text)
            os.rename(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}", hint) from error
