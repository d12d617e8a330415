"""How far an IP address reaches: nowhere, this host, its networks, or the world."""

from __future__ import annotations

import ipaddress
from typing import Literal

Scope = Literal["nowhere", "host", "loopback", "private", "link", "documentation", "public"]

_PRIVATE = [  # RFC 1918, RFC 6598, RFC 4193, and RFC 3879, which was given up
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")
]
_NOBODYS = [  # RFC 6890: of no single host, or of none in an AAAA record
    ipaddress.ip_network(each) for each in ("0.0.0.0/8", "224.0.0.0/3", "::/128", "::ffff:0:0/96", "ff00::/8")
]
_DOCUMENTATION = [  # RFC 5737, RFC 3849, RFC 9637: for examples, and routed nowhere
    ipaddress.ip_network(each)
    for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]


def scope_of(ip: str) -> Scope:
    """How far an address reaches."""
    address = ipaddress.ip_address(ip)
    if ip in ("127.0.0.1", "::1"):
        return "host"
    if any(address in network for network in _NOBODYS):
        return "nowhere"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link"
    if any(address in network for network in _DOCUMENTATION):
        return "documentation"
    return "private" if any(address in network for network in _PRIVATE) else "public"
