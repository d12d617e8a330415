"""What a name server's answer says of a name: its zone, a referral, or what is in a record's way."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ..dns_message import text as text


def rrset_in(
    answer: dns.message.Message, owner: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    """What its answer section has of the type at the name."""
    return answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, rdtype)


def apex_in(answer: dns.message.Message, owner: dns.name.Name) -> dns.name.Name | None:
    """Whose SOA an authoritative answer holds, of an apex or as the reason for a no (RFC 2308 §3).

    Where there is a CNAME, it is its target's.
    """
    if not answer.flags & dns.flags.AA or any(rrset.rdtype == dns.rdatatype.CNAME for rrset in answer.answer):
        return None
    soas = (rrset for rrset in (*answer.answer, *answer.authority) if rrset.rdtype == dns.rdatatype.SOA)
    return next((soa.name for soa in soas if owner.is_subdomain(soa.name)), None)


def cut_in(answer: dns.message.Message, owner: dns.name.Name) -> dns.name.Name | None:
    """The zone that a referral is about, if the owner is in it."""
    if answer.flags & dns.flags.AA:
        return None
    zones = (rrset.name for rrset in answer.authority if rrset.rdtype == dns.rdatatype.NS)
    return next((zone for zone in zones if owner.is_subdomain(zone)), None)


def obstacle(answer: dns.message.Message, owner: dns.name.Name) -> str:
    """Why a TXT record at the name would not be seen, or "" if nothing is in its way."""
    if cname := rrset_in(answer, owner, dns.rdatatype.CNAME):
        return f"is a CNAME to {text(cname[0].target)}"
    if zone := cut_in(answer, owner):
        return f"is in {text(zone)}, which is delegated"
    return "" if answer.flags & dns.flags.AA else f"is answered with {words_of(answer)}"


def words_of(answer: dns.message.Message) -> str:
    """The answer in words: its response code, or that it has no authority."""
    if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return "no authority"
    return dns.rcode.to_text(answer.rcode())
