"""What the embedded name server answers: the zones that it holds and the TXT records in them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset

PAYLOAD = 1232  # bytes: never fragmented on the way
NEGATIVE_TTL = 1  # seconds: a "no" must not outlive the publication of its record (RFC 2308 §4)
NS_TTL = 60  # seconds

IN = dns.rdataclass.IN
ANY, HINFO, NS, SOA, TXT = (dns.rdatatype.RdataType[name] for name in ("ANY", "HINFO", "NS", "SOA", "TXT"))
TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)


class Zones:
    """Zones, TXT records, and the answers to queries about them. ``ns``: the server's own name, as the
    delegation has it; without it no zone has an NS RRset, for a made-up name would lead nowhere."""

    def __init__(self, ns: str = "") -> None:
        self._ns = ns
        self._apexes: set[dns.name.Name] = set()
        self._texts: dict[dns.name.Name, dict[str, int]] = {}  # owner name: value: TTL
        self._serial = int(time.time())

    @property
    def empty(self) -> bool:
        """Whether nothing is published."""
        return not self._texts

    def hold(self, apexes: Iterable[str]) -> None:
        """Answer with authority for these zones from now on."""
        self._apexes |= {dns.name.from_text(apex) for apex in apexes}

    def publish(self, records: Iterable[Sequence[Any]]) -> None:
        """Add records: name, value, TTL in seconds. A name that is in no zone becomes one."""
        for name, value, ttl in [(dns.name.from_text(name), value, ttl) for name, value, ttl in records]:
            self._texts.setdefault(name, {}).setdefault(value, ttl)
            self._apexes.add(self._apex(name) or name)
        self._serial = int(time.time())

    def retract(self, records: Iterable[Sequence[Any]]) -> None:
        """Remove exactly these records."""
        for name, value in [(dns.name.from_text(name), value) for name, value, _ in records]:
            values = self._texts.get(name, {})
            values.pop(value, None)
            if not values:
                self._texts.pop(name, None)
        self._serial = int(time.time())

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        """The reply to a message, or None to what is no query at all."""
        if len(wire) < 12 or wire[2] & 0x80:  # to answer answers would make a loop
            return None
        if wire[2] & 0x78:
            return _bare(wire, dns.rcode.NOTIMP)
        try:
            query = dns.message.from_wire(wire)
        except Exception:  # whatever a stranger's bytes do to the parser, the server goes on
            return _bare(wire, dns.rcode.FORMERR)
        if len(query.question) != 1:
            return _bare(wire, dns.rcode.FORMERR)
        response = dns.message.make_response(query, our_payload=PAYLOAD, pad=0)
        response.ednsflags |= query.ednsflags & dns.flags.DO  # RFC 3225 §3
        self._fill(response, query)
        size = min(max(query.payload, 512), PAYLOAD) if udp else 65535
        return response.to_wire(max_size=size, prefer_truncation=True)

    def _fill(self, response: dns.message.Message, query: dns.message.Message) -> None:
        """Authority over what is held; to all else not a byte that would amplify."""
        question = query.question[0]
        apex = self._apex(question.name)
        if query.edns > 0:
            response.set_rcode(dns.rcode.BADVERS)
        elif apex is None or question.rdclass != IN or question.rdtype in TRANSFERS:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            response.flags |= dns.flags.AA
            if rrset := self._rrset(question.name, question.rdtype, apex):
                response.answer.append(rrset)
            else:
                response.authority.append(self._soa(apex, apex))  # RFC 2308 §2, §3
                if not self._exists(question.name):
                    response.set_rcode(dns.rcode.NXDOMAIN)

    def _apex(self, name: dns.name.Name) -> dns.name.Name | None:
        """The closest zone that the name is within."""
        return max((apex for apex in self._apexes if name.is_subdomain(apex)), key=len, default=None)

    def _rrset(self, name: dns.name.Name, rdtype: int, apex: dns.name.Name) -> dns.rrset.RRset | None:
        """What stands at the name, in the letter case that it was asked in."""
        if rdtype == TXT and name in self._texts:
            values = self._texts[name]
            ttl = next(iter(values.values()))  # the oldest one's: an RRset has but one (RFC 2181 §5.2)
            return dns.rrset.from_rdata_list(name, ttl, [_txt(value) for value in values])
        if rdtype == SOA and name == apex:
            return self._soa(name, apex)
        if rdtype == NS and name == apex and self._ns:
            return dns.rrset.from_text(name, NS_TTL, IN, NS, self._host(apex))
        if rdtype == ANY and self._exists(name):
            return dns.rrset.from_text(name, NEGATIVE_TTL, IN, HINFO, '"RFC8482" ""')  # RFC 8482 §4.2
        return None

    def _soa(self, owner: dns.name.Name, apex: dns.name.Name) -> dns.rrset.RRset:
        text = f"{self._host(apex)} . {self._serial} 3600 600 86400 {NEGATIVE_TTL}"
        return dns.rrset.from_text(owner, NEGATIVE_TTL, IN, SOA, text)

    def _host(self, apex: dns.name.Name) -> str:
        """The server's name; without one the apex stands for it."""
        return self._ns.rstrip(".") + "." if self._ns else str(apex)

    def _exists(self, name: dns.name.Name) -> bool:
        """Also an empty non-terminal: NXDOMAIN would deny all that is beneath it (RFC 8020)."""
        return any(held.is_subdomain(name) for held in (*self._apexes, *self._texts))


def _txt(value: str) -> dns.rdata.Rdata:
    data = value.encode()
    strings = [data[at : at + 255] for at in range(0, len(data), 255)]
    return dns.rdtypes.ANY.TXT.TXT(IN, TXT, strings or [b""])


def _bare(wire: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """A header alone, with the query's ID, opcode and RD."""
    return wire[:2] + bytes((0x80 | wire[2] & 0x79, rcode)) + bytes(8)
