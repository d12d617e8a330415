"""DNSSEC of a zone: from the DS that the parent gives to the zone's own signatures (RFC 4035 §5).

CAs validate (CA/Browser Forum BR 3.2.2.4): what is bogus is refused. An insecure delegation has
nothing to be wrong.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.exception import ValidationFailure
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG
from dns.rdtypes.dnskeybase import Flag

from ..message import Answer
from ..replies import text
from .survey import Look, Survey

# Of a signature's validity: Knot signs anew with a tenth of it left, BIND and PowerDNS with a third
# or half; who signs each answer gives it a day or two, of which half is always left.
LITTLE = 0.1
SIGNERS = {5, 7, 8, 10, 13, 14, 15, 16}  # algorithms that somebody validates (RFC 9904)
DIGESTS = {1, 2, 4}


class Bogus(NamedTuple):
    """Why a validating resolver refuses what some servers say of a zone, and how to mend it."""

    apex: str
    reason: str
    remedy: tuple[str, ...]
    servers: tuple[Look, ...]

    @property
    def message(self) -> str:
        where = ", ".join(map(str, self.servers))
        return f"DNSSEC of {self.apex} is broken, and CAs refuse it: {self.reason}; so at {where}"


class Expiring(NamedTuple):
    """A signature that is about to expire, and that nobody has renewed at some servers."""

    apex: str
    signature: RRSIG
    servers: tuple[Look, ...]

    @property
    def message(self) -> str:
        rdtype, where = dns.rdatatype.to_text(self.signature.type_covered), ", ".join(map(str, self.servers))
        return (
            f"the signature of the {rdtype} of {self.apex} expires on {_date(self.signature.expiration)}, "
            f"and nobody has renewed it yet at {where}"
        )

    @property
    def remedy(self) -> tuple[str, ...]:
        return _sign_again(self.apex)


class _Refused(Exception):
    """Why a validating resolver refuses what a server says, and how to mend it."""

    def __init__(self, reason: str, *remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


def validate(survey: Survey, clock: Callable[[], float] = time.time) -> list[Bogus | Expiring]:
    """What validating resolvers refuse of the zone, or soon will; first what they refuse."""
    anchors = [ds for ds in survey.ds or () if ds.algorithm in SIGNERS and ds.digest_type in DIGESTS]
    if not anchors:  # RFC 4035 §5.2: what nobody can validate is as good as unsigned
        return []
    bogus: dict[tuple[str, tuple[str, ...]], list[Look]] = defaultdict(list)
    expiring: dict[RRSIG, list[Look]] = defaultdict(list)
    for look in survey.looks:
        if look.authority and look.keys.message:
            try:
                first = _validated(survey.apex, anchors, look, clock())
            except _Refused as why:
                bogus[str(why), why.remedy].append(look)
            else:
                if first.expiration - clock() < LITTLE * (first.expiration - first.inception):
                    expiring[first].append(look)
    return [
        *(Bogus(survey.apex, reason, remedy, tuple(looks)) for (reason, remedy), looks in bogus.items()),
        *(Expiring(survey.apex, signature, tuple(looks)) for signature, looks in expiring.items()),
    ]


def _validated(apex: str, anchors: Sequence[DS], look: Look, now: float) -> RRSIG:
    """The first signature to expire of those that lead from the DS to the zone's own records.

    Raises _Refused.
    """
    keys = _records(look.keys, apex, dns.rdatatype.DNSKEY)
    if keys is None:
        raise _Refused(
            "its parent has a DS for it, but it is not signed",
            f"remove the DS record of {apex} at the registrar, or whoever runs the parent zone",
            f"or sign {apex} with the key that the DS belongs to",
        )
    trusted = [key for key in keys if any(_belongs(ds, keys.name, key) for ds in anchors)]
    if not trusted:
        raise _Refused(
            f"the DS at its parent (key tag {_tags(ds.key_tag for ds in anchors)}) belongs to none of its "
            f"keys ({_tags(map(dns.dnssec.key_id, keys))})",
            *(f"give the registrar, or whoever runs the parent zone: {ds}" for ds in _ds_to_have(keys)),
            f"or remove the DS record there until {apex} is signed as it should be",
        )
    entry = dns.rrset.from_rdata_list(keys.name, keys.ttl, trusted)
    signatures = [_verified(look.keys, keys, entry, now)]
    for answer, rdtype in ((look.soa, dns.rdatatype.SOA), (look.ns, dns.rdatatype.NS)):
        if records := _records(answer, apex, rdtype):
            signatures.append(_verified(answer, records, keys, now))
    return min(signatures, key=lambda signature: signature.expiration)


def _verified(answer: Answer, records: dns.rrset.RRset, keys: dns.rrset.RRset, now: float) -> RRSIG:
    """The last signature of the records to expire. Raises _Refused if none is good."""
    apex, kind = text(records.name), dns.rdatatype.to_text(records.rdtype)
    found = _records(answer, apex, dns.rdatatype.RRSIG, records.rdtype)
    if found is None:
        raise _Refused(f"its {kind} has no signature", *_sign_again(apex))
    last: RRSIG = max(found, key=lambda signature: signature.expiration)
    try:
        dns.dnssec.validate(records, found, {records.name: keys}, now=now, policy=dns.dnssec.allow_all_policy)
    except ValidationFailure:
        fault = f"expired on {_date(last.expiration)}" if last.expiration < now else "does not fit its keys"
        raise _Refused(f"the signature of its {kind} {fault}", *_sign_again(apex)) from None
    return last


def _records(
    answer: Answer, apex: str, rdtype: RdataType, covers: RdataType = dns.rdatatype.NONE
) -> dns.rrset.RRset | None:
    if answer.message is None:
        return None
    owner = dns.name.from_text(apex)
    return answer.message.get_rrset(answer.message.answer, owner, dns.rdataclass.IN, rdtype, covers)


def _belongs(ds: DS, apex: dns.name.Name, key: DNSKEY) -> bool:
    if (ds.key_tag, ds.algorithm) != (dns.dnssec.key_id(key), key.algorithm):
        return False
    made = dns.dnssec.make_ds(apex, key, ds.digest_type, policy=dns.dnssec.allow_all_policy)
    return made.digest == ds.digest


def _ds_to_have(keys: dns.rrset.RRset) -> Iterator[str]:
    """The records for the parent, of the keys that are made to be pointed at (RFC 4034 §2.1.1)."""
    for key in keys:
        if key.flags & Flag.SEP:
            yield f"{keys.name} DS {dns.dnssec.make_ds(keys.name, key, 'SHA256')}"


def _sign_again(apex: str) -> tuple[str, ...]:
    return (
        f"sign {apex} again: rndc sign {apex} (BIND), knotc zone-sign {apex} (Knot), "
        f"pdnsutil rectify-zone {apex} (PowerDNS), or the provider's support",
        "see in the signer's log why it has not done so itself, and that each server fetches the result",
    )


def _tags(tags: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(tags)))


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
