"""DNSSEC of a zone: from the DS that the parent gives to the zone's own signatures (RFC 4035 §5).

CAs validate (CA/Browser Forum BR 3.2.2.4): what is bogus is refused. An insecure delegation has
nothing to be wrong.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
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

from ..message import Response, text
from .denial import NO_DENIAL, Unproven, check_answer
from .dnssec_remedies import as_the_others, sign_again, stripped
from .server_answers import ServerAnswers
from .zone_survey import ZoneSurvey

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
    servers: tuple[ServerAnswers, ...]

    @property
    def message(self) -> str:
        """What is wrong, and at which servers, in a sentence."""
        where = ", ".join(map(str, self.servers))
        return f"DNSSEC of {self.apex} is broken, and CAs refuse it: {self.reason}; so at {where}"


class Expiring(NamedTuple):
    """A signature that is about to expire, and that nobody has renewed at some servers."""

    apex: str
    signature: RRSIG
    servers: tuple[ServerAnswers, ...]

    @property
    def message(self) -> str:
        """Which signature expires when, and at which servers, in a sentence."""
        rdtype, where = dns.rdatatype.to_text(self.signature.type_covered), ", ".join(map(str, self.servers))
        return (
            f"the signature of the {rdtype} of {self.apex} expires on {_date(self.signature.expiration)}, "
            f"and nobody has renewed it yet at {where}"
        )

    @property
    def remedy(self) -> tuple[str, ...]:
        """To sign the zone again, and to see why nobody did."""
        return sign_again(self.apex)


class _Refused(Exception):
    """Why a validating resolver refuses what a server says, and how to mend it."""

    def __init__(self, reason: str, *remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


def validate(survey: ZoneSurvey, clock: Callable[[], float] = time.time) -> list[Bogus | Expiring]:
    """What validating resolvers refuse of the zone, or soon will; first what they refuse."""
    anchors = _anchors(survey)
    if not anchors:  # RFC 4035 §5.2: what nobody can validate is as good as unsigned
        return []
    bogus: dict[tuple[str, tuple[str, ...]], list[ServerAnswers]] = defaultdict(list)
    expiring: dict[RRSIG, list[ServerAnswers]] = defaultdict(list)
    for server in survey.answers:
        if server.authority and server.keys.message:
            try:
                first = _validated(survey.apex, anchors, server, clock())
            except _Refused as why:
                bogus[str(why), why.remedy].append(server)
            else:
                if first.expiration - clock() < LITTLE * (first.expiration - first.inception):
                    expiring[first].append(server)
    speaking = sum(1 for server in survey.answers if server.authority)
    return [
        *(
            Bogus(
                survey.apex,
                reason,
                remedy if len(servers) == speaking else as_the_others(survey, servers, reason),
                tuple(servers),
            )
            for (reason, remedy), servers in bogus.items()
        ),
        *(Expiring(survey.apex, signature, tuple(servers)) for signature, servers in expiring.items()),
    ]


def validate_answers(
    survey: ZoneSurvey,
    name: str,
    rdtype: RdataType,
    answers: Iterable[tuple[ServerAnswers, Response]],
    clock: Callable[[], float] = time.time,
) -> list[Bogus]:
    """What validating resolvers refuse of the servers' answers to one question: the records, or the
    proof that there are none. Of a zone that is not signed, or not to be trusted at all, nothing."""
    keys = trusted_keys(survey, clock())
    broken: dict[str, list[ServerAnswers]] = defaultdict(list)
    remedies: dict[str, tuple[str, ...]] = {}
    speaking = 0
    for server, answer in answers if keys is not None else ():
        if answer.message is None or not answer.authoritative or keys is None:
            continue
        speaking += 1
        try:
            check_answer(answer.message, name, rdtype, keys, clock())
        except Unproven as why:
            broken[str(why)].append(server)
            remedies[str(why)] = why.remedy or sign_again(survey.apex)
    for reason in broken:
        if NO_DENIAL in reason:
            remedies[reason] = stripped(survey.apex, broken[reason], name, rdtype)
    return [
        Bogus(
            survey.apex,
            reason,
            remedies[reason] if len(servers) == speaking else as_the_others(survey, servers, reason),
            tuple(servers),
        )
        for reason, servers in broken.items()
    ]


def trusted_keys(survey: ZoneSurvey, now: float) -> dns.rrset.RRset | None:
    """The DNSKEY RRset that the parent's DS vouches for; None where there is none, or nothing to trust."""
    anchors = _anchors(survey)
    for server in survey.answers if anchors else ():
        if server.authority and server.keys.message:
            with suppress(_Refused):
                return _trusted(survey.apex, anchors, server, now)[0]
    return None


def _anchors(survey: ZoneSurvey) -> list[DS]:
    return [ds for ds in survey.ds or () if ds.algorithm in SIGNERS and ds.digest_type in DIGESTS]


def _validated(apex: str, anchors: Sequence[DS], server: ServerAnswers, now: float) -> RRSIG:
    """The first signature to expire of those that lead from the DS to the zone's own records.

    Raises _Refused.
    """
    keys, signature = _trusted(apex, anchors, server, now)
    signatures = [signature]
    for answer, rdtype in ((server.soa, dns.rdatatype.SOA), (server.ns, dns.rdatatype.NS)):
        if records := _records(answer, apex, rdtype):
            signatures.append(_verified(answer, records, keys, now))
    return min(signatures, key=lambda signature: signature.expiration)


def _trusted(
    apex: str, anchors: Sequence[DS], server: ServerAnswers, now: float
) -> tuple[dns.rrset.RRset, RRSIG]:
    """The keys at one server, and the signature that the DS vouches for. Raises _Refused."""
    keys = _records(server.keys, apex, dns.rdatatype.DNSKEY)
    if keys is None:
        raise _Refused(
            "its parent has a DS for it, but it is not signed",
            f"remove the DS record of {apex} at the registrar, or whoever runs the parent zone",
            f"or sign {apex} with the key that the DS belongs to",
        )
    trusted = [key for key in keys if any(_belongs(ds, keys.name, key) for ds in anchors)]
    if not trusted:
        raise _Refused(_no_key_for(anchors, keys), *_right_ds(apex, keys))
    entry = dns.rrset.from_rdata_list(keys.name, keys.ttl, trusted)
    made_by = {each.key_tag for each in _records(server.keys, apex, dns.rdatatype.RRSIG, keys.rdtype) or ()}
    tags = {dns.dnssec.key_id(key) for key in trusted}
    if made_by and not made_by & tags:
        raise _Refused(
            f"its keys are signed by {_tags(made_by)}, and not by the key that the DS at its parent belongs "
            f"to, {_tags(tags)}",
            f"see that the signer has the private part of key {_tags(tags)}, and may use it: rndc dnssec "
            f"-status {apex} (BIND), keymgr {apex} list (Knot), pdnsutil show-zone {apex} (PowerDNS)",
            *(
                f"or give the registrar, or whoever runs the parent zone, one that signs: {ds}"
                for ds in _ds_to_have(keys, made_by)
            ),
        )
    return keys, _verified(server.keys, keys, entry, now)


def _no_key_for(anchors: Sequence[DS], keys: dns.rrset.RRset) -> str:
    """Which of its parts makes the DS one of nobody's."""
    by_tag = {dns.dnssec.key_id(key): key for key in keys}
    for ds in anchors:
        key = by_tag.get(ds.key_tag)
        if key is not None and key.algorithm != ds.algorithm:
            return (
                f"the DS at its parent has the algorithm {ds.algorithm} for the key {ds.key_tag}, which has "
                f"{key.algorithm}"
            )
        if key is not None:
            return f"the digest of the DS at its parent does not fit the key {ds.key_tag}"
    tags = _tags(ds.key_tag for ds in anchors)
    return f"the DS at its parent (key tag {tags}) belongs to none of its keys ({_tags(by_tag)})"


def _right_ds(apex: str, keys: dns.rrset.RRset) -> Iterator[str]:
    for ds in _ds_to_have(keys):
        yield f"give the registrar, or whoever runs the parent zone: {ds}"
    yield f"or remove the DS record there until {apex} is signed as it should be"


def _verified(answer: Response, records: dns.rrset.RRset, keys: dns.rrset.RRset, now: float) -> RRSIG:
    """The last signature of the records to expire. Raises _Refused if none is good."""
    apex, kind = text(records.name), dns.rdatatype.to_text(records.rdtype)
    found = _records(answer, apex, dns.rdatatype.RRSIG, records.rdtype)
    if found is None:
        raise _Refused(f"its {kind} has no signature", *sign_again(apex))
    last: RRSIG = max(found, key=lambda signature: signature.expiration)
    try:
        dns.dnssec.validate(records, found, {records.name: keys}, now=now, policy=dns.dnssec.allow_all_policy)
    except ValidationFailure:
        fault, remedy = "does not fit its keys", sign_again(apex)
        if last.expiration < now:
            fault = f"expired on {_date(last.expiration)}"
            if records.rdtype == dns.rdatatype.DNSKEY:
                remedy = (remedy[0], _key_at_hand(last), *remedy[1:])
        elif last.inception > now:
            fault = f"is not valid before {_date(last.inception)}"
            remedy = (
                "compare the clocks, here and where the zone is signed: date -u; the wrong one is set by "
                "timedatectl set-ntp true",
                *remedy,
            )
        raise _Refused(f"the signature of its {kind} {fault}", *remedy) from None
    return last


def _key_at_hand(signature: RRSIG) -> str:
    """Of all signatures those of the DNSKEY alone are made by the key that the DS is of."""
    return (
        f"the key {signature.key_tag} has to be at hand for that: where it is kept apart from the signer "
        "(a key-signing key, offline or in an HSM), sign the DNSKEY with it there, and bring the result"
    )


def _records(
    answer: Response, apex: str, rdtype: RdataType, covers: RdataType = dns.rdatatype.NONE
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


def _ds_to_have(keys: dns.rrset.RRset, tags: Container[int] | None = None) -> Iterator[str]:
    """The records for the parent, of the keys that are made to be pointed at (RFC 4034 §2.1.1); of those
    with these tags alone, if any are given."""
    for key in keys:
        if key.flags & Flag.SEP and (tags is None or dns.dnssec.key_id(key) in tags):
            yield f"{keys.name} DS {dns.dnssec.make_ds(keys.name, key, 'SHA256')}"


def _tags(tags: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(tags)))


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
