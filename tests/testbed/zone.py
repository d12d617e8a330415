"""A zone whose records change while it is served, and what it answers."""

from __future__ import annotations

import math
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from dns.name import Name
from dns.rdatatype import RdataType

Node = Mapping[RdataType, dns.rdataset.Rdataset]
Records = Mapping[Name, Node]
Nameservers = Mapping[str, str | Sequence[str]]
"""The hosts of a zone's NS records and their addresses: {"ns1.example.org": "127.1.0.1"}."""


class Zone:
    """Records under one apex, from master file text, that can be changed at any time.

    SOA and NS are made up where the text has none. It keeps its past, so that a name server may
    serve it as it was some time ago; it is safe to change it from any thread::

        zone = Zone("example.org", "www A 192.0.2.1", {"ns1.example.org": "127.1.0.1"}, negative_ttl=3600)
        zone.set("_acme-challenge.example.org", "TXT", "first", "second", ttl=60)
    """

    def __init__(
        self,
        apex: str,
        text: str = "",
        nameservers: Nameservers | None = None,
        *,
        ttl: int = 60,
        negative_ttl: int = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.apex = dns.name.from_text(apex)
        self._clock = clock
        self._lock = threading.Lock()
        lines = f"$TTL {ttl}\n{textwrap.dedent(text)}\n"
        parsed = dns.zone.from_text(lines, self.apex, relativize=False, check_origin=False)
        records: Records = {name: {each.rdtype: each for each in node} for name, node in parsed.nodes.items()}
        self._versions: list[tuple[float, Records]] = [(-math.inf, records)]
        nameservers = nameservers or {f"ns.{apex}".rstrip("."): "127.0.0.1"}
        if not self.get(apex, "SOA"):
            person = dns.name.from_text("hostmaster", self.apex)
            soa = f"{next(iter(nameservers))}. {person} 1 3600 600 86400 {negative_ttl}"
            self.set(apex, "SOA", soa, ttl=max(ttl, negative_ttl))
        if not self.get(apex, "NS"):
            self.set(apex, "NS", *(f"{host}." for host in nameservers), ttl=ttl)
            self.set_addresses(nameservers, ttl=ttl)
        self._versions[:] = [(-math.inf, self._versions[-1][1])]

    def get(self, name: str, type: str) -> list[str]:
        """The newest values, as in a master file, but TXT as one string without quotes."""
        found = self.at().get(dns.name.from_text(name), {}).get(dns.rdatatype.from_text(type), ())
        return [b"".join(each.strings).decode() if type == "TXT" else each.to_text() for each in found]

    def set(self, name: str, type: str, *values: str, ttl: int = 60) -> None:
        """These values and no others. A TXT value may be written without its quotes; one of
        several character-strings is written ``'"one" "two"'``."""
        self._change(name, type, lambda old: values, ttl)

    def add(self, name: str, type: str, *values: str, ttl: int = 60) -> None:
        """These values too."""
        self._change(name, type, lambda old: (*old, *values), ttl)

    def remove(self, name: str, type: str, *values: str) -> None:
        """Without these values; without the whole RRset if none are given."""

        def without(old: Sequence[str]) -> Sequence[str]:
            gone = {_rdata(type, value).to_text() for value in values} if values else set(old)
            return [value for value in old if value not in gone]

        self._change(name, type, without, None)

    def set_addresses(self, hosts: Nameservers, *, ttl: int = 60) -> None:
        """A and AAAA records for those of the hosts that are within the zone."""
        for host, addresses in hosts.items():
            if dns.name.from_text(host).is_subdomain(self.apex):
                for type, those in _by_family(addresses):
                    self.set(host, type, *those, ttl=ttl)

    def at(self, when: float = math.inf, count: int | None = None) -> Records:
        """The records as they were at ``when``, of the first ``count`` versions."""
        return next(records for made, records in reversed(self._versions[:count]) if made <= when)

    def versions(self) -> int:
        """How many there are; one more after each change."""
        return len(self._versions)

    def text(self) -> str:
        """The newest records as a master file."""
        return "".join(
            f"{rdataset.to_text(name)}\n" for name, node in self.at().items() for rdataset in node.values()
        )

    def _change(
        self, name: str, type: str, change: Callable[[Sequence[str]], Sequence[str]], ttl: int | None
    ) -> None:
        owner, rdtype = dns.name.from_text(name), dns.rdatatype.from_text(type)
        if not owner.is_subdomain(self.apex):
            raise ValueError(f"{name} is not in the zone {self.apex}")
        with self._lock:
            records = dict(self.at())
            node = dict(records.pop(owner, {}))
            old = node.pop(rdtype, None)
            values = change([rdata.to_text() for rdata in old] if old else [])
            if values:
                rdatas = [_rdata(type, value) for value in values]
                kept = old.ttl if ttl is None and old else ttl or 0
                node[rdtype] = dns.rdataset.from_rdata_list(kept, rdatas)
            if node:
                records[owner] = node
            self._versions.append((self._clock(), records))


def answer(records: Records, apex: Name, response: dns.message.Message) -> None:
    """Fill in the response to its own question, as RFC 1034 §4.3.2 step 3 has it: CNAMEs are
    followed within the zone, the answer to a name beneath a zone cut is a referral."""
    question = response.question[0]
    name, type = question.name, question.rdtype
    response.flags |= dns.flags.AA
    seen: set[Name] = set()
    while name.is_subdomain(apex) and name not in seen:
        seen.add(name)
        cut = _zone_cut(records, apex, name, type)
        if cut is not None:
            if not response.answer:
                response.flags &= ~dns.flags.AA
            _append(response.authority, cut, records[cut][dns.rdatatype.NS])
            _append_addresses(response, records, records[cut][dns.rdatatype.NS])
            return
        node = _node(records, apex, name)
        if node is not None and type in node:
            _append(response.answer, name, node[type])
            if type == dns.rdatatype.NS:
                _append_addresses(response, records, node[type])
            return
        if node is None or dns.rdatatype.CNAME not in node:
            if node is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
            _append_negative_soa(response, records, apex)
            return
        _append(response.answer, name, node[dns.rdatatype.CNAME])
        name = node[dns.rdatatype.CNAME][0].target


def _zone_cut(records: Records, apex: Name, name: Name, type: RdataType) -> Name | None:
    """The highest name with NS records beneath the apex; the DS of a cut is the parent's."""
    for depth in range(len(apex) + 1, len(name) + 1):
        cut = Name(name[-depth:])
        if dns.rdatatype.NS in records.get(cut, {}) and not (cut == name and type == dns.rdatatype.DS):
            return cut
    return None


def _node(records: Records, apex: Name, name: Name) -> Node | None:
    """What stands at the name: by itself, as an empty non-terminal, or from a wildcard at its
    closest encloser (RFC 4592 §3.3.1). None: the name does not exist."""
    if _exists(records, name):
        return records.get(name, {})
    encloser = name.parent()
    while not _exists(records, encloser) and encloser != apex:
        encloser = encloser.parent()
    return records.get(Name((b"*", *encloser.labels)))


def _exists(records: Records, name: Name) -> bool:
    return name in records or any(each.is_subdomain(name) for each in records)


def _append(section: list[dns.rrset.RRset], owner: Name, rdataset: dns.rdataset.Rdataset) -> None:
    section.append(dns.rrset.from_rdata_list(owner, rdataset.ttl, list(rdataset)))


def _append_addresses(response: dns.message.Message, records: Records, hosts: dns.rdataset.Rdataset) -> None:
    for host in (each.target for each in hosts):
        for type in (dns.rdatatype.A, dns.rdatatype.AAAA):
            if type in records.get(host, {}):
                _append(response.additional, host, records[host][type])


def _append_negative_soa(response: dns.message.Message, records: Records, apex: Name) -> None:
    """RFC 2308 §3: the SOA's TTL in a negative answer is the lesser of its own and its minimum."""
    soa = records[apex][dns.rdatatype.SOA]
    ttl = min(soa.ttl, soa[0].minimum)
    response.authority.append(dns.rrset.from_rdata_list(apex, ttl, list(soa)))


def _rdata(type: str, value: str) -> dns.rdata.Rdata:
    if type == "TXT" and not value.startswith('"'):
        value = f'"{value}"'
    return dns.rdata.from_text("IN", type, value, origin=dns.name.root, relativize=False)


def _by_family(addresses: str | Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    every = [addresses] if isinstance(addresses, str) else addresses
    for type, colon in (("A", False), ("AAAA", True)):
        those = [address for address in every if (":" in address) is colon]
        if those:
            yield type, those
