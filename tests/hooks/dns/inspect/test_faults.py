"""What is wrong with the copies of a zone, from what its servers have answered."""

from __future__ import annotations

from collections.abc import Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from dns01.hooks.dns.address import Address
from dns01.hooks.dns.inspect.faults import (
    ServerFault,
    ZoneCopy,
    by_host,
    copy_at,
    listed,
    primary_addresses,
    reference_copy,
    server_faults,
    went_back,
)
from dns01.hooks.dns.inspect.server_answers import NOTHING, ServerAnswers
from dns01.hooks.dns.inspect.zone_survey import ZoneSurvey
from dns01.hooks.dns.message import Response

APEX = "example.org"
HOSTS = ("ns1.example.org.", "ns2.example.org.")


def soa(apex: str = APEX, mname: str = "ns1.example.org.", serial: int = 5) -> dns.rrset.RRset:
    return dns.rrset.from_text(f"{apex}.", 60, "IN", "SOA", f"{mname} hostmaster.{apex}. {serial} 2 3 4 5")


def response(
    *answer: dns.rrset.RRset,
    authority: Sequence[dns.rrset.RRset] = (),
    flags: int = dns.flags.QR | dns.flags.AA,
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
) -> Response:
    message = dns.message.make_response(dns.message.make_query(APEX, "SOA"))
    message.flags = dns.flags.Flag(flags)
    message.set_rcode(rcode)
    message.answer, message.authority = list(answer), list(authority)
    return Response(dns.message.from_wire(message.to_wire()))


def server(
    heard: Response | None = None, number: int = 1, hosts: Sequence[str] = HOSTS, host: str = ""
) -> ServerAnswers:
    ns = dns.rrset.from_text(f"{APEX}.", 60, "IN", "NS", *hosts)
    soa_answer = response(soa()) if heard is None else heard
    return ServerAnswers(
        host or f"ns{number}.example.org",
        Address(f"127.1.0.{number}"),
        soa_answer,
        response(ns),
        NOTHING,
        NOTHING,
        {},
    )


def survey(*servers: ServerAnswers, behind: Sequence[ServerAnswers] = ()) -> ZoneSurvey:
    return ZoneSurvey(APEX, tuple(host.rstrip(".") for host in HOSTS), (), servers, tuple(behind))


def kinds(found: Sequence[ServerFault]) -> list[tuple[str, str]]:
    return [(fault.host, fault.kind) for fault in found]


GOOD = server()
CNAME = dns.rrset.from_text(f"{APEX}.", 60, "IN", "CNAME", "elsewhere.net.")


def test_servers_with_the_same_copy_have_no_fault() -> None:
    assert server_faults(survey(GOOD, server(number=2))) == []


def test_a_zone_without_servers_has_no_faults() -> None:
    assert server_faults(survey()) == []


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        (NOTHING, "silent"),
        (response(rcode=dns.rcode.REFUSED), "refuses"),
        (response(rcode=dns.rcode.NOTAUTH), "refuses"),
        (response(rcode=dns.rcode.SERVFAIL), "fails"),
        (response(rcode=dns.rcode.FORMERR), "lame"),
        (response(flags=dns.flags.QR), "lame"),
        (response(soa(), flags=dns.flags.QR | dns.flags.RA), "resolver"),
        (response(CNAME), "cname"),
        (response(authority=[soa("org")]), "parked"),
        (response(authority=[soa("parking.net")]), "parked"),
        (response(), "parked"),
        (response(soa(mname="park.example.")), "primary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server_that_has_it_otherwise_than_the_other_has_a_fault(heard: Response, kind: str) -> None:
    account = ZoneCopy("", "ns1.example.org", 5, frozenset({"ns1.example.org", "ns2.example.org"}))
    assert kinds(server_faults(survey(GOOD, server(heard, 2)), account)) == [("ns2.example.org", kind)]


def test_another_zone_of_that_name_is_foreign() -> None:
    parked = server(response(soa(mname="park.example.")), 2, ["ns.park.example."])
    assert kinds(server_faults(survey(GOOD, parked))) == [("ns2.example.org", "foreign")]


def test_servers_that_each_name_themselves_in_the_soa_have_copies_of_the_one_zone() -> None:
    """Unless the account itself says who is the primary: then the SOA has to be that one's."""
    other = server(response(soa(mname="ns2.example.org.")), 2)
    assert server_faults(survey(GOOD, other)) == []


def test_a_server_that_stays_behind_is_stale() -> None:
    late = server(response(soa(serial=3)), 2)
    assert kinds(server_faults(survey(GOOD, late, behind=[late]))) == [("ns2.example.org", "stale")]


def test_where_the_primary_went_back_the_secondaries_are_ahead_of_it() -> None:
    primary, ahead = server(response(soa(serial=3))), server(number=2)
    seen = survey(primary, ahead, behind=[primary])
    assert went_back(seen)
    assert kinds(server_faults(seen)) == [("ns2.example.org", "ahead")]


def test_a_secondary_that_is_behind_is_not_a_primary_that_went_back() -> None:
    late = server(response(soa(serial=3)), 2)
    assert not went_back(survey(GOOD, late, behind=[late]))


def test_addresses_of_one_server_with_the_same_fault_are_one_fault() -> None:
    host = "ns9.example.org"
    (fault,) = server_faults(survey(GOOD, server(NOTHING, 8, host=host), server(NOTHING, 9, host=host)))
    assert [each.address.ip for each in fault.answers] == ["127.1.0.8", "127.1.0.9"]


# What they are compared with


def test_the_copy_at_a_server_is_its_soa_and_its_ns() -> None:
    copy = copy_at(GOOD)
    assert (copy.mname, copy.serial) == ("ns1.example.org", 5)
    assert copy.hosts == {"ns1.example.org", "ns2.example.org"}


def test_a_silent_server_has_an_empty_copy() -> None:
    copy = copy_at(server(NOTHING))
    assert (copy.mname, copy.serial) == ("", None)


def test_the_reference_is_the_copy_that_names_most_of_the_delegated_servers() -> None:
    parked = [
        server(response(soa(mname="park.example.", serial=99)), n, ["ns.park.example."]) for n in (2, 3)
    ]
    assert reference_copy(survey(*parked, GOOD)) == copy_at(GOOD)


def test_without_a_server_that_speaks_there_is_no_reference() -> None:
    assert reference_copy(survey(server(NOTHING), server(response(rcode=dns.rcode.REFUSED), 2))) is None


def test_the_primary_is_where_the_account_writes_to_else_the_soa_s() -> None:
    assert primary_addresses(survey(GOOD), ZoneCopy("192.0.2.1", "", None, frozenset())) == {"192.0.2.1"}
    assert primary_addresses(survey(GOOD, server(number=2)), None) == {"127.1.0.1"}
    assert primary_addresses(survey(server(NOTHING)), None) == set()


def test_servers_are_listed_with_their_addresses_and_grouped_by_name() -> None:
    one, two = server(number=1, host="ns1.example.org"), server(number=2, host="ns1.example.org")
    assert listed([one, two]) == "ns1.example.org (127.1.0.1), ns1.example.org (127.1.0.2)"
    assert dict(by_host([one, two])) == {"ns1.example.org": [one, two]}
    assert (listed([]), dict(by_host([]))) == ("", {})
