"""A key of a zone, and what it signs, without a server."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdatatype import RdataType
from dns.rdtypes.dnskeybase import Flag

DAY = 86400
TTL = 60
KEY = ec.generate_private_key(ec.SECP256R1())


class SignedZone:
    """A zone that is signed with one key (RFC 4034 §2.1.1: it is its secure entry point as well)."""

    def __init__(self, apex: str, key: ec.EllipticCurvePrivateKey = KEY) -> None:
        self.apex = dns.name.from_text(apex)
        self._key = key
        self._dnskey = dns.dnssec.make_dnskey(key.public_key(), "ECDSAP256SHA256", Flag.ZONE | Flag.SEP)
        self.keys = dns.rrset.from_rdata(self.apex, TTL, self._dnskey)
        self.ds = dns.rrset.from_rdata(self.apex, TTL, dns.dnssec.make_ds(self.apex, self._dnskey, "SHA256"))

    def rrset(self, name: str, rdtype: str, *values: str) -> dns.rrset.RRset:
        """Records of it, by a name relative to its apex."""
        owner = dns.name.from_text(name, self.apex)
        return dns.rrset.from_text_list(owner, TTL, "IN", rdtype, values, origin=self.apex, relativize=False)

    def signature(
        self, rrset: dns.rrset.RRset, *, days: float = 7, since: float = 7, wildcard: str = ""
    ) -> dns.rrset.RRset:
        """Its signature, from so many days ago, for so many days; ``wildcard``: what the records, which
        are at another name, were made from (RFC 4035 §5.3.2)."""
        now = time.time()
        owner = dns.name.from_text(wildcard, self.apex) if wildcard else rrset.name
        rdata = dns.dnssec.sign(
            dns.rrset.from_rdata_list(owner, TTL, list(rrset)),
            self._key,
            self.apex,
            self._dnskey,
            inception=now - since * DAY,
            expiration=now + days * DAY,
        )
        return dns.rrset.from_rdata(rrset.name, TTL, rdata)

    def response(
        self,
        name: str,
        rdtype: RdataType,
        answer: Sequence[dns.rrset.RRset] = (),
        authority: Sequence[dns.rrset.RRset] = (),
        rcode: int = 0,
    ) -> dns.message.Message:
        """An authoritative response with these RRsets."""
        query = dns.message.make_query(dns.name.from_text(name, self.apex), rdtype, want_dnssec=True, flags=0)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        response.set_rcode(dns.rcode.Rcode(rcode))
        response.answer = list(answer)
        response.authority = list(authority)
        return dns.message.from_wire(response.to_wire())

    def signed(self, *rrsets: dns.rrset.RRset) -> list[dns.rrset.RRset]:
        """Each, and its signature."""
        return [each for rrset in rrsets for each in (rrset, self.signature(rrset))]
