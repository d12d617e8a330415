"""What validating resolvers refuse of a zone whose servers answer so."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dns.message
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdatatype import DNSKEY, NS, SOA, TXT
from signing import DAY, SignedZone

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.inspect.dnssec import Bogus, Expiring, trusted_keys, validate, validate_answers
from dns01.hooks.dns.inspect.server_answers import NOTHING, ServerAnswers
from dns01.hooks.dns.inspect.zone_survey import ZoneSurvey
from dns01.hooks.dns.message import Response

APEX, NAME = "example.org", "_acme-challenge.example.org"
ZONE = SignedZone(APEX)
FOREIGN = SignedZone(APEX, ec.generate_private_key(ec.SECP256R1()))
SOA_RRSET = ZONE.rrset("@", "SOA", "ns1 hostmaster 1 2 3 4 5")
NS_RRSET = ZONE.rrset("@", "NS", "ns1", "ns2")
RECORD = ZONE.rrset("_acme-challenge", "TXT", '"here"')


def server(host: str = "ns1.example.org", *, days: float = 7, signed: bool = True) -> ServerAnswers:
    """A server of the zone, whose signature of the SOA is good for so many days more."""

    def answer(rrset: dns.rrset.RRset, days: float = 7) -> Response:
        signatures = [ZONE.signature(rrset, days=days)] if signed else []
        return Response(ZONE.response("@", rrset.rdtype, [rrset, *signatures]))

    keys = answer(ZONE.keys) if signed else Response(ZONE.response("@", DNSKEY))
    soa = answer(SOA_RRSET, days)
    return ServerAnswers(host, Address("127.1.0.1"), soa, answer(NS_RRSET), keys, soa, {})


SILENT = ServerAnswers("ns3.example.org", Address("127.1.0.3"), NOTHING, NOTHING, NOTHING, NOTHING, {})


def surveyed(*servers: ServerAnswers, ds: dns.rrset.RRset | None = ZONE.ds) -> ZoneSurvey:
    return ZoneSurvey(APEX, ("ns1.example.org",), (), servers, ds=ds)


# The zone


def test_nothing_is_refused_of_a_zone_that_is_signed_with_the_key_of_its_ds() -> None:
    assert validate(surveyed(server())) == []


def test_nothing_is_refused_of_a_zone_that_its_parent_has_no_ds_for() -> None:
    assert validate(surveyed(server(signed=False), ds=None)) == []


def test_a_zone_that_its_parent_has_another_key_s_ds_for_is_bogus() -> None:
    (found,) = validate(surveyed(server(), ds=FOREIGN.ds))
    assert isinstance(found, Bogus)
    assert "belongs to none of its keys" in found.reason
    assert str(ZONE.ds[0]) in found.remedy[0]


def test_keys_that_are_signed_by_another_than_the_ds_belongs_to_are_bogus() -> None:
    both = dns.rrset.from_rdata_list(ZONE.keys.name, 60, [*ZONE.keys, *FOREIGN.keys])
    keys = Response(ZONE.response("@", DNSKEY, [both, FOREIGN.signature(both)]))

    (found,) = validate(surveyed(server()._replace(keys=keys)))

    assert isinstance(found, Bogus)
    assert f"not by the key that the DS at its parent belongs to, {ZONE.ds[0].key_tag}" in found.reason
    assert str(FOREIGN.ds[0]) in found.remedy[1]


def test_a_zone_with_a_ds_that_is_not_signed_is_bogus() -> None:
    (found,) = validate(surveyed(server(signed=False)))
    assert isinstance(found, Bogus)
    assert found.reason == "its parent has a DS for it, but it is not signed"


def test_a_zone_whose_signature_has_expired_is_bogus_from_that_moment_on() -> None:
    seen = surveyed(server(days=1))
    assert not [found for found in validate(seen) if isinstance(found, Bogus)]
    (found,) = validate(seen, lambda: time.time() + 2 * DAY)
    assert isinstance(found, Bogus)
    assert "expired" in found.reason


def test_a_signature_with_little_of_its_time_left_is_about_to_expire() -> None:
    (found,) = validate(surveyed(server(days=0.1)))
    assert isinstance(found, Expiring)
    assert found.signature.type_covered == SOA


def test_a_fault_of_one_server_is_that_server_s() -> None:
    (found,) = validate(surveyed(server(), server("ns2.example.org", signed=False)))
    assert isinstance(found, Bogus)
    assert [each.host for each in found.servers] == ["ns2.example.org"]


def test_servers_that_are_silent_are_not_judged() -> None:
    assert validate(surveyed(SILENT)) == []
    assert validate(surveyed()) == []


# The keys


def test_the_keys_that_the_ds_vouches_for_are_trusted() -> None:
    assert trusted_keys(surveyed(SILENT, server()), time.time()) == ZONE.keys


@pytest.mark.parametrize("ds", [None, FOREIGN.ds], ids=["no DS", "another key's DS"])
def test_no_other_keys_are(ds: dns.rrset.RRset | None) -> None:
    assert trusted_keys(surveyed(server(), ds=ds), time.time()) is None


def test_where_no_server_shows_keys_none_are() -> None:
    assert trusted_keys(surveyed(SILENT), time.time()) is None
    assert trusted_keys(surveyed(server(signed=False)), time.time()) is None


# Answers about one name


def refused(*answers: Response, ds: dns.rrset.RRset | None = ZONE.ds) -> Sequence[Bogus]:
    seen = [(server(f"ns{number}.example.org"), answer) for number, answer in enumerate(answers, 1)]
    return validate_answers(surveyed(*(each for each, _ in seen), ds=ds), NAME, TXT, seen)


def response(*rrsets: dns.rrset.RRset) -> Response:
    return Response(ZONE.response("_acme-challenge", TXT, rrsets))


def test_an_answer_that_is_signed_is_not_refused() -> None:
    assert not refused(response(*ZONE.signed(RECORD)))


def test_an_answer_without_a_signature_is_refused_at_the_server_that_gives_it() -> None:
    (found,) = refused(response(*ZONE.signed(RECORD)), response(RECORD))
    assert [each.host for each in found.servers] == ["ns2.example.org"]


def test_no_answer_is_refused_of_a_zone_without_a_ds() -> None:
    assert not refused(response(RECORD), ds=None)


def test_silence_and_what_a_server_does_not_speak_for_are_not_judged() -> None:
    referral = ZONE.response("_acme-challenge", NS, (), [NS_RRSET])
    referral.flags = dns.flags.QR
    assert not refused(NOTHING, Response(referral))


def test_an_answer_with_nothing_in_it_is_refused() -> None:
    assert refused(response())
