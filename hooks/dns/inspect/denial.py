"""Does an answer of a signed zone hold, as a validating resolver sees it: records with their signatures,
and the proof that there are none (RFC 4035 §5, RFC 5155 §8)."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import dns.dnssec
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.exception import ValidationFailure
from dns.name import NameRelation
from dns.rdatatype import CNAME, DNAME, DS, NS, NSEC, NSEC3, RRSIG, SOA, RdataType
from dns.rdtypes.ANY.NSEC import NSEC as NSECRecord
from dns.rdtypes.ANY.NSEC3 import NSEC3 as NSEC3Record

from ....dns_message import text

Denial = NSECRecord | NSEC3Record

MOST_ITERATIONS = 150  # of NSEC3, beyond which all resolvers take a zone for unsigned (RFC 9276 §3.2)
SOME_ITERATIONS = 50  # beyond which the newer ones do
OPT_OUT = 1
NO_DENIAL = "the answer has neither NSEC nor NSEC3"


class Unproven(Exception):
    """Why a validating resolver refuses an answer; ``remedy``: what mends it, where that is known."""

    remedy: tuple[str, ...] = ()


class Undelegated(Unproven):
    """A signed zone proves that another one is not delegated by it, whose answers nobody believes then."""

    def __init__(self, above: str, child: str) -> None:
        super().__init__(f"{above}, which is signed, proves that it does not delegate {child}")
        self.remedy = (
            f"delegate it: in {above}, write {child}. NS with the servers that have it, and sign that again",
            f"or delete the zone {child} there, and have its records in {above}",
        )


def check_answer(
    message: dns.message.Message, name: str, rdtype: RdataType, keys: dns.rrset.RRset, now: float
) -> None:
    """Check what a server of a signed zone says of one name of that zone: the records, the CNAME or
    DNAME in their place, or the proof that there is nothing.

    ``keys``: the zone's trusted DNSKEY RRset. Raises Unproven.
    """
    owner = dns.name.from_text(name)
    kind = dns.rdatatype.to_text(rdtype)
    for found in message.answer:
        if found.rdtype == DNAME and owner.is_subdomain(found.name):
            _signed(message.answer, found, keys, now, f"the DNAME of {text(found.name)}")
            return
    for wanted in (rdtype, CNAME):
        records = message.get_rrset(message.answer, owner, dns.rdataclass.IN, wanted)
        if records is not None:
            what = f"the {dns.rdatatype.to_text(wanted)} of {name}"
            signature = _signed(message.answer, records, keys, now, what)
            if signature < len(owner.labels) - 1:
                _check_wildcard(message, owner, keys, now, what)
            return
    _check_absence(message, owner, rdtype, keys, now, f"that {name} has no {kind}")


def iterations(message: dns.message.Message) -> int:
    """The highest number of iterations among the NSEC3 records of an answer; 0 without any."""
    rrs = (rr for records in message.authority if records.rdtype == NSEC3 for rr in records)
    return max((rr.iterations for rr in rrs if isinstance(rr, NSEC3Record)), default=0)


def _check_wildcard(
    message: dns.message.Message, owner: dns.name.Name, keys: dns.rrset.RRset, now: float, what: str
) -> None:
    """A record made from a wildcard needs the proof that its name does not exist (RFC 4035 §5.3.4)."""
    proofs = _Proofs(message, keys, now, f"that {text(owner)} does not exist")
    if not proofs.covers(owner) and not proofs.next_closer_is_covered(owner):
        raise Unproven(
            f"{what} is made from a wildcard, and nothing proves that the name itself does not exist"
        )


def _check_absence(
    message: dns.message.Message,
    owner: dns.name.Name,
    rdtype: RdataType,
    keys: dns.rrset.RRset,
    now: float,
    what: str,
) -> None:
    proofs = _Proofs(message, keys, now, what)
    if proofs.too_costly:
        return
    for records in message.authority:
        if records.rdtype == SOA:
            _signed(message.authority, records, keys, now, f"the SOA beside the proof {what}")
    exists = message.rcode() != dns.rcode.NXDOMAIN
    if not (proofs.no_data(owner, rdtype) if exists else proofs.no_name(owner)):
        raise Unproven(f"{proofs.kind} records do not prove {what}")
    if rdtype == DS and not proofs.shows_cut(owner):
        raise Undelegated(text(keys.name), text(owner))


class _Proofs:
    """The NSEC or NSEC3 records of an answer, their signatures checked."""

    def __init__(self, message: dns.message.Message, keys: dns.rrset.RRset, now: float, what: str) -> None:
        self.apex = keys.name
        self._records = [each for each in message.authority if each.rdtype in (NSEC, NSEC3)]
        if not self._records:
            raise Unproven(f"nothing proves {what}: {NO_DENIAL}")
        self.kind = dns.rdatatype.to_text(self._records[0].rdtype)
        for records in self._records:
            _signed(message.authority, records, keys, now, f"the {self.kind} that proves {what}")

    @property
    def too_costly(self) -> bool:
        return any(rr.iterations > MOST_ITERATIONS for _, rr in self._nsec3s())

    def no_data(self, owner: dns.name.Name, rdtype: RdataType) -> bool:
        """Check the proof that the name exists, and the type does not."""
        matching = self._matching(owner)
        if matching is not None:
            return _lacks(matching, rdtype)
        if self.kind == "NSEC" and self._is_empty_non_terminal(owner):
            return True
        encloser = self._encloser(owner)
        if encloser is None:
            return False
        wildcard = self._matching(dns.name.Name((b"*", *encloser.labels)))
        if wildcard is not None and _lacks(wildcard, rdtype):
            return True
        return self.kind == "NSEC3" and self._opted_out(owner, encloser)

    def shows_cut(self, owner: dns.name.Name) -> bool:
        """Whether the name is delegated, or may be (RFC 5155 §6: unsigned ones can be left out)."""
        matching = self._matching(owner)
        if matching is not None:
            return _has(matching, NS)
        encloser = self._encloser(owner)
        return encloser is not None and self.kind == "NSEC3" and self._opted_out(owner, encloser)

    def no_name(self, owner: dns.name.Name) -> bool:
        """Check the proof that neither the name exists nor a wildcard for it."""
        encloser = self._encloser(owner)
        if encloser is None:
            return False
        return self.covers(self._next_closer(owner, encloser)) and self.covers(
            dns.name.Name((b"*", *encloser.labels))
        )

    def covers(self, owner: dns.name.Name) -> bool:
        """Whether the name lies between two that follow each other."""
        if self.kind == "NSEC":
            return any(self._is_between(records, rr, owner) for records, rr in self._nsecs())
        return any(_hash_is_between(records, rr, _hashed(owner, rr)) for records, rr in self._nsec3s())

    def next_closer_is_covered(self, owner: dns.name.Name) -> bool:
        encloser = self._encloser(owner, proven=False)
        return encloser is not None and self.covers(self._next_closer(owner, encloser))

    def _matching(self, owner: dns.name.Name) -> Denial | None:
        for records, rr in self._nsecs():
            if records.name == owner:
                return rr
        for records, nsec3 in self._nsec3s():
            if _owner_hash(records) == _hashed(owner, nsec3):
                return nsec3
        return None

    def _encloser(self, owner: dns.name.Name, *, proven: bool = True) -> dns.name.Name | None:
        """The closest name above that exists."""
        above = owner
        while above != self.apex and above != dns.name.root:
            above = above.parent()
            if self.kind == "NSEC":
                for records, rr in self._nsecs():
                    if self._is_between(records, rr, owner) and (
                        records.name.is_subdomain(above) or rr.next.is_subdomain(above)
                    ):
                        return above
            elif self._matching(above) is not None or (
                not proven and self.covers(self._next_closer(owner, above))
            ):
                return above
        return None

    def _next_closer(self, owner: dns.name.Name, encloser: dns.name.Name) -> dns.name.Name:
        return dns.name.Name(owner.labels[-len(encloser.labels) - 1 :])

    def _is_empty_non_terminal(self, owner: dns.name.Name) -> bool:
        return any(
            self._is_between(records, rr, owner) and rr.next.is_subdomain(owner)
            for records, rr in self._nsecs()
        )

    def _opted_out(self, owner: dns.name.Name, encloser: dns.name.Name) -> bool:
        closer = self._next_closer(owner, encloser)
        return any(
            rr.flags & OPT_OUT and _hash_is_between(records, rr, _hashed(closer, rr))
            for records, rr in self._nsec3s()
        )

    def _is_between(self, records: dns.rrset.RRset, rr: NSECRecord, owner: dns.name.Name) -> bool:
        relation = owner.fullcompare(records.name)[0]
        if owner == records.name or (
            relation == NameRelation.SUBDOMAIN and _has(rr, NS) and not _has(rr, SOA)
        ):
            return False  # beneath a zone cut it says nothing
        return bool(records.name < owner and (owner < rr.next or rr.next == self.apex))

    def _nsecs(self) -> list[tuple[dns.rrset.RRset, NSECRecord]]:
        every = [(records, rr) for records in self._records for rr in records]
        return [(records, rr) for records, rr in every if isinstance(rr, NSECRecord)]

    def _nsec3s(self) -> list[tuple[dns.rrset.RRset, NSEC3Record]]:
        every = [(records, rr) for records in self._records for rr in records]
        return [(records, rr) for records, rr in every if isinstance(rr, NSEC3Record)]


def _signed(
    section: Iterable[dns.rrset.RRset], records: dns.rrset.RRset, keys: dns.rrset.RRset, now: float, what: str
) -> int:
    """The number of labels that the signature is for. Raises Unproven."""
    found = [each for each in section if each.rdtype == RRSIG and each.name == records.name]
    found = [each for each in found if each.covers == records.rdtype]
    if not found:
        raise Unproven(f"{what} has no signature")
    try:
        dns.dnssec.validate(records, found[0], {keys.name: keys}, now=now, policy=dns.dnssec.allow_all_policy)
    except ValidationFailure:
        last = max(rr.expiration for rr in found[0])
        first = min(rr.inception for rr in found[0])
        fault = (
            "has expired" if last < now else "is not valid yet" if first > now else "does not fit its keys"
        )
        raise Unproven(f"the signature of {what} {fault}") from None
    labels: int = min(rr.labels for rr in found[0])
    return labels


def _lacks(rr: Denial, rdtype: RdataType) -> bool:
    """Whether neither the type is there nor a CNAME; what is at a zone cut is the child's to say."""
    cut = _has(rr, NS) and not _has(rr, SOA) and rdtype != dns.rdatatype.DS
    return not (_has(rr, rdtype) or _has(rr, CNAME) or cut)


def _has(rr: Denial, rdtype: RdataType) -> bool:
    for window, bitmap in rr.windows:
        place = rdtype - window * 256
        if 0 <= place < 256 and place // 8 < len(bitmap):
            return bool(bitmap[place // 8] & (0x80 >> place % 8))
    return False


def _hashed(owner: dns.name.Name, rr: NSEC3Record) -> str:
    return dns.dnssec.nsec3_hash(owner, rr.salt, rr.iterations, rr.algorithm)


def _owner_hash(records: dns.rrset.RRset) -> str:
    return records.name.labels[0].decode("ascii", "replace").upper()


def _hash_is_between(records: dns.rrset.RRset, rr: NSEC3Record, hashed: str) -> bool:
    first, last = _owner_hash(records), base64.b32hexencode(rr.next).decode().rstrip("=")
    return first < hashed < last if first < last else hashed > first or hashed < last
