"""What is asked of a name server, and what it answers."""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

TXT = dns.rdatatype.TXT


class Address(NamedTuple):
    """Where a server listens."""

    ip: str
    port: int = 53

    def __str__(self) -> str:
        if self.port == 53:
            return self.ip
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class Question(NamedTuple):
    """What to ask whom. ``recurse``, ``dnssec`` and ``unchecked`` are the RD, the DO and the CD
    bit; ``stream``: over TCP and nothing else."""

    server: Address
    name: str
    rdtype: dns.rdatatype.RdataType
    recurse: bool = False
    dnssec: bool = False
    stream: bool = False
    unchecked: bool = False


class Answer(NamedTuple):
    """What came back: a message, or why there is none. ``fallback``: it came over TCP, since no
    datagram was answered."""

    message: dns.message.Message | None
    problem: str = ""
    fallback: bool = False

    @property
    def authoritative(self) -> bool:
        """Whether the server speaks for the zone: the AA bit, and no error."""
        return (
            self.message is not None
            and bool(self.message.flags & dns.flags.AA)
            and self.message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
        )

    @property
    def like_a_resolver(self) -> bool:
        """Whether the flags are a resolver's (AA=0, RA=1). From the address of an authoritative
        server, something on the way to it has answered in its place; or it is lame."""
        flags = self.message.flags if self.message is not None else 0
        return bool(flags & dns.flags.RA) and not flags & dns.flags.AA

    @property
    def texts(self) -> frozenset[str]:
        """The TXT values, each with its character-strings joined (RFC 7208 §3.3)."""
        if self.message is None:
            return frozenset()
        return frozenset(
            b"".join(rr.strings).decode("ascii", "replace")
            for rrset in self.message.answer
            if rrset.rdtype == TXT
            for rr in rrset
        )

    @property
    def words(self) -> str:
        """The answer in a word or two, for a person."""
        if self.message is None:
            return self.problem
        rcode = self.message.rcode()
        if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return dns.rcode.to_text(rcode)
        if self.like_a_resolver:
            return "answers like a resolver"
        if not self.authoritative:
            return "answers, but not with authority"
        return "has it" if self.message.answer else "has no such record"


def family(address: Address) -> socket.AddressFamily:
    """The socket family of the address."""
    return socket.AF_INET6 if ipaddress.ip_address(address.ip).version == 6 else socket.AF_INET


@cache
def reachable(address: Address) -> bool:
    """Whether this machine has a route to the address at all; nothing is sent to find out."""
    try:
        with socket.socket(family(address), socket.SOCK_DGRAM) as probe:
            probe.connect(address)
    except OSError:
        return False
    return True
