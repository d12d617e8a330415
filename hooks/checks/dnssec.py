"""DNSSEC of every zone on the way: from the DS that the parent gives to the zone's own signatures.

CAs validate (CA/Browser Forum BR 3.2.2.4): what is bogus is refused. An insecure delegation has
nothing to be wrong.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

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

from ..causes.survey import Look, Survey
from ..question import Answer
from ..replies import text
from . import Examined, Finding, Severity
from ._surveys import surveys

# Of a signature's validity: Knot signs anew with a tenth of it left, BIND and PowerDNS with a third
# or half; who signs each answer gives it a day or two, of which half is always left.
LITTLE = 0.1
SIGNERS = {5, 7, 8, 10, 13, 14, 15, 16}  # algorithms that somebody validates (RFC 9904)
DIGESTS = {1, 2, 4}


class _Bogus(Exception):
    """Why a validating resolver refuses what a server says, and how to mend it."""

    def __init__(self, words: str, *remedy: str) -> None:
        super().__init__(words)
        self.remedy = remedy


def check(examined: Examined) -> Iterator[Finding]:
    """What keeps validating resolvers from believing the zones that the challenge depends on."""
    for survey in surveys(examined):
        yield from findings(survey)


def findings(survey: Survey, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """The same, of one zone."""
    anchors = [ds for ds in survey.ds or () if ds.algorithm in SIGNERS and ds.digest_type in DIGESTS]
    if not anchors:  # RFC 4035 §5.2: what nobody can validate is as good as unsigned
        return
    bogus: dict[tuple[str, tuple[str, ...]], list[Look]] = defaultdict(list)
    ending: dict[RRSIG, list[Look]] = defaultdict(list)
    for look in survey.looks:
        if look.authority and look.keys.message:
            try:
                first = _validated(survey.apex, anchors, look, clock())
            except _Bogus as why:
                bogus[str(why), why.remedy].append(look)
            else:
                if first.expiration - clock() < LITTLE * (first.expiration - first.inception):
                    ending[first].append(look)
    for (words, remedy), looks in bogus.items():
        yield Finding(
            "dnssec-bogus",
            Severity.ERROR,
            survey.apex,
            f"DNSSEC of {survey.apex} is broken, and CAs refuse it: {words}; so at {_listed(looks)}",
            remedy,
        )
    for signature, looks in ending.items():
        yield Finding(
            "signature-expiring",
            Severity.WARNING,
            survey.apex,
            f"the signature of the {dns.rdatatype.to_text(signature.type_covered)} of {survey.apex} expires "
            f"on {_date(signature.expiration)}, and nobody has renewed it yet at {_listed(looks)}",
            _sign_again(survey.apex),
        )


def _validated(apex: str, anchors: Sequence[DS], look: Look, now: float) -> RRSIG:
    """The first signature to expire of those that lead from the DS to the zone's own records.

    Raises _Bogus.
    """
    keys = _records(look.keys, apex, dns.rdatatype.DNSKEY)
    if keys is None:
        raise _Bogus(
            "its parent has a DS for it, but it is not signed",
            f"remove the DS record of {apex} at the registrar, or whoever runs the parent zone",
            f"or sign {apex} with the key that the DS belongs to",
        )
    trusted = [key for key in keys if any(_belongs(ds, keys.name, key) for ds in anchors)]
    if not trusted:
        raise _Bogus(
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
    """The last signature of the records to expire. Raises _Bogus if none is good."""
    apex, kind = text(records.name), dns.rdatatype.to_text(records.rdtype)
    found = _records(answer, apex, dns.rdatatype.RRSIG, records.rdtype)
    if found is None:
        raise _Bogus(f"its {kind} has no signature", *_sign_again(apex))
    last: RRSIG = max(found, key=lambda signature: signature.expiration)
    try:
        dns.dnssec.validate(records, found, {records.name: keys}, now=now, policy=dns.dnssec.allow_all_policy)
    except ValidationFailure:
        fault = f"expired on {_date(last.expiration)}" if last.expiration < now else "does not fit its keys"
        raise _Bogus(f"the signature of its {kind} {fault}", *_sign_again(apex)) from None
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


def _listed(looks: Iterable[Look]) -> str:
    return ", ".join(map(str, looks))
