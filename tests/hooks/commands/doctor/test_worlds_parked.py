"""Domains whose registration has run out: servers that speak with authority, and do not serve the zone."""

from __future__ import annotations

from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from calls import KEY
from setups import FOUR, NAME, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, NameServer
from testbed.sockets import Transport

FAULTS = Faults()
PARKING = {"ns1.parking.net": FOUR, "ns2.parking.net": THREE}
RENEW = "whois example.org"

Parking = Callable[[dns.message.Message, dns.name.Name, dns.rdatatype.RdataType], None]
"""What a server puts into its answer about a name and a type."""


class ParkingServer(NameServer):
    """It answers with authority, whatever it is asked about."""

    def __init__(self, address: str, parking: Parking) -> None:
        super().__init__(address)
        self._parking = parking

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        (question,) = query.question
        if question.name.to_text() in ("ns1.parking.net.", "ns2.parking.net."):
            if question.rdtype == dns.rdatatype.A:
                ip = PARKING[question.name.to_text(omit_final_dot=True)]
                response.answer.append(records(question.name, "A", ip))
        else:
            self._parking(response, question.name, question.rdtype)
        return response


def records(owner: dns.name.Name | str, type: str, *values: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(owner, 300, "IN", type, *values)


def soa(owner: dns.name.Name | str) -> dns.rrset.RRset:
    return records(owner, "SOA", "ns1.parking.net. hostmaster.parking.net. 1 3600 600 86400 60")


def parked(site: Site, parking: Parking) -> Account:
    """The world is led to two parking servers, and the account has the domain at its own."""
    site.world.delegate("parking.net", PARKING)
    for address in PARKING.values():
        site.start(ParkingServer(address, parking))
    site.world.delegate("example.org", PARKING)
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    return site.updates(ONE)


def each_name_is_a_zone(
    response: dns.message.Message, name: dns.name.Name, type: dns.rdatatype.RdataType
) -> None:
    match dns.rdatatype.to_text(type):
        case "SOA":
            response.answer.append(soa(name))
        case "NS":
            response.answer.append(records(name, "NS", "ns1.parking.net.", "ns2.parking.net."))
        case "A":
            response.answer.append(records(name, "A", "192.0.2.99"))
        case _:
            response.authority.append(soa(name))


@FAULTS.add("zone-parked", RENEW, "every name", "have its zone: ns.example.org")
def each_name_has_an_soa_of_its_own(site: Site) -> Account:
    return parked(site, each_name_is_a_zone)


@FAULTS.add("zone-parked", RENEW, "each of the name servers ns1.parking.net, ns2.parking.net")
def each_name_has_an_soa_of_its_own_and_the_account_tells_nothing(site: Site) -> Account:
    parked(site, each_name_is_a_zone)
    return {}


@FAULTS.add("zone-parked", RENEW, "does not serve example.org", domain="*.www.example.org")
def each_name_has_an_soa_of_its_own_beneath_the_domain(site: Site) -> Account:
    return parked(site, each_name_is_a_zone)


@FAULTS.add("zone-parked", RENEW, "every name")
def each_no_has_the_soa_of_the_name_itself(site: Site) -> Account:
    return parked(site, lambda response, name, type: response.authority.append(soa(name)))


@FAULTS.add("zone-parked", RENEW, "answers from parking.net", "have its zone: ns.example.org")
def each_no_has_the_soa_of_the_servers_own_zone(site: Site) -> Account:
    return parked(site, lambda response, name, type: response.authority.append(soa("parking.net.")))


@FAULTS.add("zone-parked", RENEW, "answers from parking.net")
def each_soa_is_that_of_the_servers_own_zone(site: Site) -> Account:
    return parked(site, lambda response, name, type: response.answer.append(soa("parking.net.")))


@FAULTS.add("zone-parked", RENEW, "answers from org")
def the_servers_take_themselves_for_those_of_the_registry(site: Site) -> Account:
    return parked(site, lambda response, name, type: response.authority.append(soa("org.")))


@FAULTS.add("zone-parked", RENEW, "has no SOA of it")
def the_servers_take_themselves_for_those_of_the_root(site: Site) -> Account:
    return parked(site, lambda response, name, type: response.authority.append(soa(".")))


@FAULTS.add("zone-parked", RENEW, "has no SOA of it")
def each_name_has_an_address_and_nothing_else(site: Site) -> Account:
    return parked(site, lambda response, name, type: response.answer.append(records(name, "A", "192.0.2.99")))


@FAULTS.add("zone-parked", RENEW, "has no SOA of it")
def no_name_exists_at_all(site: Site) -> Account:
    return parked(site, lambda response, name, type: response.set_rcode(dns.rcode.NXDOMAIN))


@FAULTS.add("zone-parked", "take ns2.parking.net out", "these stay: ns.example.org")
def one_of_two_servers_is_a_parking_server(site: Site) -> Account:
    site.bind(TWO)
    site.world.delegate("parking.net", PARKING)
    for address in PARKING.values():
        site.start(
            ParkingServer(
                address, lambda response, name, type: response.authority.append(soa("parking.net."))
            )
        )
    site.world.delegate("example.org", {"ns.example.org": TWO, "ns2.parking.net": THREE})
    return site.updates(TWO)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


def test_a_challenge_zone_of_its_own_on_the_same_servers_is_healthy(site: Site) -> None:
    for apex in ("example.org", NAME):
        site.world.zone(apex, {"ns.example.org": ONE})

    assert site.diagnose("example.org", {"DNS01_MEMORY_ZONES": NAME}).ordered == []
