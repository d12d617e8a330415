"""How far an IP address reaches: nowhere, this host, its networks, or the world."""

from __future__ import annotations

import ipaddress
from typing import Literal

Scope = Literal["nowhere", "host", "loopback", "private", "link", "public"]

_PRIVATE = [  # RFC 1918, RFC 6598, RFC 4193, and RFC 3879, which was given up
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
]
_NOBODYS = [  # RFC 6890: of no single host, or of none in an AAAA record
    ipaddress.ip_network(each) for each in ("0.0.0.0/8", "224.0.0.0/3", "::/128", "::ffff:0:0/96", "ff00::/8")
]


def scope_of(ip: str) -> Scope:
    """How far an address reaches. Those of documentation stand for the world's."""
    address = ipaddress.ip_address(ip)
    if ip in ("127.0.0.1", "::1"):
        return "host"
    if any(address in network for network in _NOBODYS):
        return "nowhere"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link"
    return "private" if any(address in network for network in _PRIVATE) else "public"
