"""Addresses of servers. Without dnspython: the configuration needs no more than this."""

import ipaddress
import socket
from functools import cache
from typing import NamedTuple


class Address(NamedTuple):
    """The address of a server, and its port."""

    ip: str
    port: int = 53

    def __str__(self) -> str:
        if self.port == 53:
            return self.ip
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


def family(address: Address) -> socket.AddressFamily:
    """The socket family of the address."""
    return socket.AF_INET6 if ipaddress.ip_address(address.ip).version == 6 else socket.AF_INET


def resolved(host: str, port: int = 53) -> tuple[Address, ...]:
    """The addresses that the machine's own resolver has for a host; none where it has none, or is silent."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(
        Address(ip, port) for ip in dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
    )


@cache
def reachable(address: Address) -> bool:
    """Whether this machine has a route to the address at all; nothing is sent to find out."""
    try:
        with socket.socket(family(address), socket.SOCK_DGRAM) as probe:
            probe.connect(address)
    except OSError:
        return False
    return True
