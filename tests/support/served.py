"""What a service on loopback shows to a client that asks for a name."""

from __future__ import annotations

import hashlib
import socket
import ssl


def fingerprint(port: int, name: str) -> str:
    """Of its certificate: SHA-256 in lower-case hex."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 60) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
