"""Secrets that stand in files."""

from __future__ import annotations

import os
import stat

from .errors import ConfigError

HINT = "it has to hold the secret and nothing else"


def read_secret(path: str) -> str:
    """The text of the file, without the newline that ends it.

    Raises ConfigError if others than its owner may read it, or if there is nothing to read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigError(f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
            secret = file.read().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", HINT) from error
    except UnicodeDecodeError:
        # Without its cause, which quotes the secret.
        raise ConfigError(f"{path} is not text in UTF-8", HINT) from None
    if not secret:
        raise ConfigError(f"{path} is empty", HINT)
    return secret
