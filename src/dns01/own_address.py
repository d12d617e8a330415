"""Whether an address is one of this machine's own."""

from __future__ import annotations

import socket
from contextlib import suppress


def is_own_address(address: str) -> bool:
    """Whether a socket of this machine can have the IP address; False for what is none, as a name."""
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(address, 0, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
        with socket.socket(found[0][0], socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
        return True
    return False
