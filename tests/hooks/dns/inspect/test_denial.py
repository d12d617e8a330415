"""Whether an answer of a signed zone holds, as a validating resolver sees it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdatatype import TXT, RdataType
from signing import DAY, SignedZone

from dns01.hooks.dns.inspect.denial import Unproven, check_answer, iterations

NAME = "_acme-challenge.example.org"
ZONE = SignedZone("example.org")
FOREIGN = SignedZone("example.org", ec.generate_private_key(ec.SECP256R1()))
RECORD = ZONE.rrset("_acme-challenge", "TXT", '"here"')
SOA = ZONE.rrset("@", "SOA", "ns1 hostmaster 1 2 3 4 5")
NXDOMAIN = 3


def check(response: dns.message.Message, name: str = NAME, rdtype: RdataType = TXT, days: float = 0) -> None:
    check_answer(response, name, rdtype, ZONE.keys, time.time() + days * DAY)


def answer(*rrsets: dns.rrset.RRset) -> dns.message.Message:
    return ZONE.response("_acme-challenge", TXT, rrsets)


def denial(*rrsets: dns.rrset.RRset, rcode: int = 0) -> dns.message.Message:
    return ZONE.response("_acme-challenge", TXT, (), ZONE.signed(SOA, *rrsets), rcode)


def nsec(owner: str, following: str, types: str) -> dns.rrset.RRset:
    return ZONE.rrset(owner, "NSEC", f"{following} {types}")


# Records


def test_a_record_with_its_signature_holds() -> None:
    check(answer(*ZONE.signed(RECORD)))


def test_a_cname_with_its_signature_holds_in_the_place_of_the_record() -> None:
    check(answer(*ZONE.signed(ZONE.rrset("_acme-challenge", "CNAME", "elsewhere.net."))))


def test_a_dname_with_its_signature_holds_for_what_is_beneath_it() -> None:
    check(answer(*ZONE.signed(ZONE.rrset("@", "DNAME", "example.net."))))


@pytest.mark.parametrize(
    "signatures",
    [
        [],
        [FOREIGN.signature(RECORD)],
        [ZONE.signature(ZONE.rrset("_acme-challenge", "TXT", '"another"'))],
        [ZONE.signature(RECORD, days=-1)],
        [ZONE.signature(RECORD, since=-1)],
    ],
    ids=["none", "another key's", "another record's", "expired", "not yet valid"],
)
def test_a_record_without_a_good_signature_is_refused(signatures: Sequence[dns.rrset.RRset]) -> None:
    with pytest.raises(Unproven, match=f"TXT of {NAME}"):
        check(answer(RECORD, *signatures))


def test_a_signature_that_will_have_expired_is_refused_then() -> None:
    with pytest.raises(Unproven):
        check(answer(*ZONE.signed(RECORD)), days=8)


# Records made from a wildcard


WILD = [RECORD, ZONE.signature(RECORD, wildcard="*")]


def test_a_record_made_from_a_wildcard_holds_with_the_proof_that_its_name_does_not_exist() -> None:
    check(ZONE.response("_acme-challenge", TXT, WILD, ZONE.signed(nsec("@", "www", "SOA NS TXT RRSIG NSEC"))))


def test_a_record_made_from_a_wildcard_is_refused_without_it() -> None:
    with pytest.raises(Unproven):
        check(answer(*WILD))


# The proof that there is nothing


def test_the_proof_that_the_name_has_other_types_alone_holds() -> None:
    check(denial(nsec("_acme-challenge", "www", "A RRSIG NSEC")))


def test_the_proof_that_there_is_no_such_name_holds() -> None:
    check(denial(nsec("@", "www", "SOA NS RRSIG NSEC"), rcode=NXDOMAIN))


@pytest.mark.parametrize(
    "proof",
    [
        [],
        [nsec("_acme-challenge", "www", "TXT RRSIG NSEC")],  # it has the type
        [nsec("_acme-challenge", "www", "CNAME RRSIG NSEC")],
        [nsec("www", "@", "A RRSIG NSEC")],  # it is about other names
    ],
    ids=["none", "the type is there", "a CNAME is there", "elsewhere"],
)
def test_what_proves_nothing_is_refused(proof: Sequence[dns.rrset.RRset]) -> None:
    with pytest.raises(Unproven):
        check(denial(*proof))


def test_a_proof_without_a_signature_is_refused() -> None:
    unsigned = nsec("_acme-challenge", "www", "A RRSIG NSEC")
    with pytest.raises(Unproven):
        check(ZONE.response("_acme-challenge", TXT, (), [*ZONE.signed(SOA), unsigned]))


# NSEC3


def nsec3(count: int, owner: str = 32 * "0") -> dns.rrset.RRset:
    return ZONE.rrset(owner, "NSEC3", f"1 0 {count} - {32 * 'V'} A RRSIG")


def test_the_iterations_of_an_answer_are_the_most_that_it_has() -> None:
    assert iterations(ZONE.response("_acme-challenge", TXT, (), [nsec3(1), nsec3(7, 32 * "1")])) == 7


def test_an_answer_without_nsec3_has_no_iterations() -> None:
    assert iterations(answer(RECORD)) == 0


@pytest.mark.parametrize(("count", "holds"), [(5000, True), (1, False)])
def test_a_proof_of_more_iterations_than_resolvers_do_is_as_good_as_unsigned(count: int, holds: bool) -> None:
    """It is about other names: with few iterations it proves nothing (RFC 9276 §3.2)."""
    response = denial(ZONE.rrset(32 * "0", "NSEC3", f"1 0 {count} - {31 * '0'}1 A RRSIG"), rcode=NXDOMAIN)
    if holds:
        check(response)
    else:
        with pytest.raises(Unproven):
            check(response)
