"""Queries to name servers, their responses, and how to read them (RFC 1035, terms of RFC 9499)."""

from typing import NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ...dns_message import text as text
from ...names import is_within
from .address import Address

A, AAAA, CNAME, NS, SOA, TXT = (
    dns.rdatatype.A,
    dns.rdatatype.AAAA,
    dns.rdatatype.CNAME,
    dns.rdatatype.NS,
    dns.rdatatype.SOA,
    dns.rdatatype.TXT,
)


class Query(NamedTuple):
    """One query to one server. ``recurse``, ``dnssec`` and ``unchecked`` set the RD, the DO and the CD
    bit; ``stream``: over TCP only; ``plain``: without EDNS."""

    server: Address
    name: str
    rdtype: dns.rdatatype.RdataType
    recurse: bool = False
    dnssec: bool = False
    stream: bool = False
    unchecked: bool = False
    plain: bool = False


class Response(NamedTuple):
    """What came back: a message, or why there is none. ``fallback``: it came over TCP, since no
    datagram was answered; ``truncated``: the answer in the datagram was, and TCP had to be tried."""

    message: dns.message.Message | None
    problem: str = ""
    fallback: bool = False
    truncated: bool = False

    @property
    def authoritative(self) -> bool:
        """Whether the server speaks for the zone: the AA bit, and no error."""
        return (
            self.message is not None
            and bool(self.message.flags & dns.flags.AA)
            and self.message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
        )

    @property
    def denies(self) -> bool:
        """Whether the server says with authority that the name does not exist (NXDOMAIN); a CNAME whose
        target does not exist has the same code (RFC 6604)."""
        return (
            self.message is not None
            and self.authoritative
            and self.message.rcode() == dns.rcode.NXDOMAIN
            and not self.message.answer
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
    def ttl(self) -> int:
        """The TTL of its TXT records, in seconds; 0 where there are none."""
        answer = self.message.answer if self.message is not None else ()
        return max((rrset.ttl for rrset in answer if rrset.rdtype == TXT), default=0)

    @property
    def summary(self) -> str:
        """The response in a word or two, for a person."""
        if self.message is None:
            return f"truncated over UDP, and over TCP: {self.problem}" if self.truncated else self.problem
        rcode = self.message.rcode()
        if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return dns.rcode.to_text(rcode)
        if self.like_a_resolver:
            return "answers like a resolver"
        if not self.authoritative:
            return "answers, but not with authority"
        return "has it" if self.message.answer else "has no such record"


def alias_of(response: dns.message.Message, name: str) -> str:
    """The target of the CNAME at ``name``; empty: there is none."""
    rrset = response.get_rrset(response.answer, dns.name.from_text(name), dns.rdataclass.IN, CNAME)
    return text(rrset[0].target) if rrset else ""


def apex_of(response: dns.message.Message) -> str:
    """The owner of the SOA: of the zone that the answer is from (RFC 2308 §3)."""
    return next(
        (text(rrset.name) for rrset in (*response.answer, *response.authority) if rrset.rdtype == SOA), ""
    )


def referral_to(response: dns.message.Message, zone: str, name: str) -> dns.rrset.RRset | None:
    """The NS RRset of a zone below ``zone`` on the way to ``name``; a server that sends us back
    up, or aside, is lame."""
    if response.flags & dns.flags.AA or response.answer or response.rcode() != dns.rcode.NOERROR:
        return None
    for rrset in response.authority:
        apex = text(rrset.name)
        if rrset.rdtype == NS and apex != zone and is_within(apex, zone) and is_within(name, apex):
            return rrset
    return None


def hosts_in(rrset: dns.rrset.RRset) -> tuple[str, ...]:
    """The names of an NS RRset; of any other, nothing."""
    return tuple(sorted(text(rr.target) for rr in rrset)) if _is(rrset, NS) else ()


def _is(rrset: dns.rrset.RRset, *rdtypes: dns.rdatatype.RdataType) -> bool:
    """Of the internet's class too: what another one means by a type is its own affair."""
    return rrset.rdclass == dns.rdataclass.IN and rrset.rdtype in rdtypes


def addresses_in(rrset: dns.rrset.RRset) -> tuple[Address, ...]:
    """The addresses of an A or AAAA RRset; of any other, nothing."""
    return tuple(Address(rr.address) for rr in rrset) if _is(rrset, A, AAAA) else ()


def glue_in(response: dns.message.Message) -> dict[str, tuple[Address, ...]]:
    """The addresses in the additional section, by host."""
    glue: dict[str, tuple[Address, ...]] = {}
    for rrset in response.additional:
        if addresses := addresses_in(rrset):
            glue[text(rrset.name)] = glue.get(text(rrset.name), ()) + addresses
    return glue
