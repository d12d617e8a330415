"""TSIG keys of a Knot DNS on this machine: the section "key" of its configuration, and keymgr's files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from .....providers._rfc2136_key_files import knot_keys
from . import Found, files, text_of

FOLDER = "/etc/knot"
FILES = (f"{FOLDER}/*.conf", f"{FOLDER}/*.key", f"{FOLDER}/*/*.conf", f"{FOLDER}/*/*.key")
HERE = "the Knot DNS of this machine"
ANYWHERE = "0.0.0.0"

_LISTEN = re.compile(r"^[ \t]+listen:[^\n]*?\b(\d+\.\d+\.\d+\.\d+)(?:@(\d+))?", re.MULTILINE)


def accounts() -> Iterator[Found]:
    """An account for each key; the server is the one of this machine."""
    for path in files(FILES):
        yield from accounts_of(text_of(path), path)


def accounts_of(text: str, path: str) -> Iterator[Found]:
    """The accounts that one file has keys for; where it is one of Knot's own, the server is this machine."""
    is_here = path.startswith(f"{FOLDER}/")
    for name, algorithm, secret in knot_keys(text):
        values = {"tsig_key": name, "tsig_algorithm": algorithm, "tsig_secret": secret}
        origins = {"nameserver": HERE} if is_here else {}
        yield Found(
            "rfc2136", {**({"nameserver": _address()} if is_here else {}), **values}, path, origins=origins
        )


def _address() -> str:
    """Where the server listens: the loopback address, unless it says another."""
    main = os.path.join(FOLDER, "knot.conf")
    for address, port in _LISTEN.findall(text_of(main)) if os.path.exists(main) else ():
        host = "127.0.0.1" if address == ANYWHERE else address
        return host if port in ("", "53") else f"{host}:{port}"
    return "127.0.0.1"
