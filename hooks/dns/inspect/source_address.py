"""From which address a server answers: it has to be the one that was asked (RFC 2181 §4.1).

A host with several addresses that gets this wrong is heard by nobody over UDP, for all take the answer for a
forger's.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterable
from contextlib import closing, suppress

import dns.message

from ..address import Address, family
from ..message import SOA

ANSWER_TIMEOUT = 1.0  # seconds for the server's response
QR = 0x80  # in the third octet: it is a response (RFC 1035 §4.1.1)


def sources(servers: Iterable[Address], apex: str) -> dict[Address, str]:
    """The servers that answer a question about the zone from another IP address, and from which."""
    asked = {address: _ask(address, apex) for address in dict.fromkeys(servers)}
    until = time.monotonic() + ANSWER_TIMEOUT
    found = {}
    for address, exchange in asked.items():
        if exchange:
            with closing(exchange[0]):
                if source := _source(*exchange, until):
                    found[address] = source
    return {address: source for address, source in found.items() if source != address.ip}


def _ask(server: Address, apex: str) -> tuple[socket.socket, bytes] | None:
    """The socket is not connected, and so hears answers from everywhere."""
    query = dns.message.make_query(apex, SOA, flags=0, id=secrets.randbelow(1 << 16)).to_wire()
    asking = socket.socket(family(server), socket.SOCK_DGRAM)
    try:
        asking.sendto(query, server)
    except OSError:
        asking.close()
        return None
    return asking, query[:2]


def _source(asking: socket.socket, id: bytes, until: float) -> str:
    """Of the first response with that ID, until that moment."""
    with suppress(OSError):
        while (left := until - time.monotonic()) > 0:
            asking.settimeout(left)
            octets, (ip, *_) = asking.recvfrom(65535)
            if octets[:2] == id and len(octets) > 2 and octets[2] & QR:
                return str(ip)
    return ""
