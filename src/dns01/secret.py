"""Secrets: read from files that nobody else can read, and blotted out wherever they would appear."""

from __future__ import annotations

import os
import re
import stat

from .errors import ConfigError

_secrets: set[str] = set()

SECRETIVE = re.compile("key|pass|secret|token", re.IGNORECASE)

HINT = "it has to hold the secret and nothing else"


def hide(secret: str) -> None:
    """Have ``secret`` replaced wherever it would appear in what is said or recorded."""
    if len(secret) >= 4:  # anything shorter would blot out half of every sentence
        _secrets.add(secret)


def hide_setting(name: str, value: str) -> None:
    """Hide what may be a secret, of a setting that we know but by its name."""
    if len(value) >= 8 or SECRETIVE.search(name):
        hide(value)


def redact(text: str) -> str:
    """The text without the secrets, the longest first (one may contain another)."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def read_secret(path: str) -> str:
    """The text of the file, without the newline that ends it.

    Raises ConfigError if others than its owner may read it, or if there is nothing to read. A
    credential of systemd's is in a folder that keeps others out; its group bits are but the mask
    of an ACL.
    """
    kept = os.path.dirname(path) == os.environ.get("CREDENTIALS_DIRECTORY", "").rstrip("/") != ""
    try:
        with open(path, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077 and not kept:
                raise ConfigError(f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
            secret = file.read().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}",
            f"see that it is there, and that the user who runs the client may read it: ls -l {path}",
        ) from error
    except UnicodeDecodeError:
        # Without its cause, which quotes the secret.
        raise ConfigError(f"{path} is not text in UTF-8", HINT) from None
    if not secret:
        raise ConfigError(f"{path} is empty", HINT)
    return secret
