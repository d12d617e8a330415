"""How far an IP address reaches: this host, its networks, or the world."""

from __future__ import annotations

import ipaddress
from typing import Literal

Scope = Literal["host", "loopback", "private", "link", "public"]

_SHARED = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598


def scope_of(ip: str) -> Scope:
    """How far an address reaches. Those of documentation stand for the world's."""
    address = ipaddress.ip_address(ip)
    if ip in ("127.0.0.1", "::1"):
        return "host"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link"
    if address in _SHARED if address.version == 4 else ip.startswith(("fc", "fd")):
        return "private"
    inner = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/8")
    if address.version == 4 and any(address in ipaddress.ip_network(each) for each in inner):
        return "private"
    return "public"
