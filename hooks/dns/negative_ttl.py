"""For how long a resolver keeps a response, a negative one above all (RFC 2308 §5)."""

from __future__ import annotations

import dns.rdataclass
import dns.rdatatype
import dns.rrset

from .message import Response


def negative_ttl(soa: dns.rrset.RRset) -> int:
    """Seconds that a "no" with this SOA is kept: the lesser of its TTL and of its MINIMUM."""
    return min(int(soa.ttl), int(soa[0].minimum))


def seconds_kept(response: Response) -> float:
    """Seconds that a resolver keeps this response."""
    if response.message is None:
        return 0.0
    ttls = [rrset.ttl for rrset in response.message.answer]
    ttls += [
        negative_ttl(rrset)
        for rrset in response.message.authority
        if rrset.rdtype == dns.rdatatype.SOA and rrset.rdclass == dns.rdataclass.IN
    ]
    return float(min(ttls, default=0))
