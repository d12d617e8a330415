"""What an authoritative server's reply says about zones: referrals, apexes, aliases, glue."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ...names import is_within
from .message import Address

A, AAAA, CNAME, NS, SOA = (
    dns.rdatatype.A,
    dns.rdatatype.AAAA,
    dns.rdatatype.CNAME,
    dns.rdatatype.NS,
    dns.rdatatype.SOA,
)


def text(name: dns.name.Name) -> str:
    """The name in lower case and without the trailing dot; the root is ""."""
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def alias_of(reply: dns.message.Message, name: str) -> str:
    """The target of the CNAME at ``name``, or nothing."""
    rrset = reply.get_rrset(reply.answer, dns.name.from_text(name), dns.rdataclass.IN, CNAME)
    return text(rrset[0].target) if rrset else ""


def apex_of(reply: dns.message.Message) -> str:
    """The owner of the SOA: of the zone that the answer is from (RFC 2308 §3)."""
    return next((text(rrset.name) for rrset in (*reply.answer, *reply.authority) if rrset.rdtype == SOA), "")


def referral_to(reply: dns.message.Message, zone: str, name: str) -> dns.rrset.RRset | None:
    """The NS RRset of a zone below ``zone`` on the way to ``name``; a server that sends us back
    up, or aside, is lame."""
    if reply.flags & dns.flags.AA or reply.answer or reply.rcode() != dns.rcode.NOERROR:
        return None
    for rrset in reply.authority:
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


def glue_in(reply: dns.message.Message) -> dict[str, tuple[Address, ...]]:
    """The addresses that came along, by host."""
    glue: dict[str, tuple[Address, ...]] = {}
    for rrset in reply.additional:
        if addresses := addresses_in(rrset):
            glue[text(rrset.name)] = glue.get(text(rrset.name), ()) + addresses
    return glue
