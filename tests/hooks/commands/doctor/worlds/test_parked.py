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


# Zones that are there


HOSTER = {"ns1.hoster.net": FOUR, "ns2.hoster.net": THREE}
AT_HOSTER = (
    "@ SOA {mname} hostmaster.hoster.net. 7 3600 600 86400 60\n@ NS ns1.hoster.net.\n@ NS ns2.hoster.net.\n"
)


@FAULTS.add("account-elsewhere", RENEW, "the registration of example.org has run out")
def the_hoster_parks_the_domain_on_the_servers_that_it_had(site: Site) -> Account:
    site.world.zone("hoster.net", HOSTER)
    text = AT_HOSTER.format(mname="ns0.hoster.net.")
    site.start(Bind(ONE, {"example.org": text}, [KEY]))
    site.world.zone("example.org", HOSTER, f"{text.replace('ns0', 'parked')}* A 192.0.2.99")
    return site.updates(ONE)


@FAULTS.add("account-elsewhere", RENEW, "ns1.pendingrenewal.net", "give the registrar")
def the_registrar_leads_the_domain_to_servers_of_its_own(site: Site) -> Account:
    site.world.zone("pendingrenewal.net", {"ns1.pendingrenewal.net": FOUR})
    site.world.zone("example.org", {"ns1.pendingrenewal.net": FOUR}, "* A 192.0.2.99")
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    return site.updates(ONE)


@FAULTS.add("zone-down", "REFUSED", "contract with the hoster, has run out: whois example.org")
def the_hoster_has_deleted_the_zone(site: Site) -> Account:
    site.world.zone("hoster.net", HOSTER)
    site.world.delegate("example.org", HOSTER)
    return {}


@FAULTS.add("zone-missing", "on hold (whois; then renew it)")
def the_registry_has_the_domain_on_hold(site: Site) -> Account:
    assert site.world.zones["org"]
    return {}


@FAULTS.add("zone-down", "gone.net is not in the DNS", "if gone.net is yours, renew it: whois gone.net")
def the_domain_that_the_name_servers_are_in_has_run_out(site: Site) -> Account:
    site.world.zones["org"].set("example.org", "NS", "ns1.dns.gone.net.", "ns2.dns.gone.net.")
    return {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


def test_the_first_step_is_to_renew_or_to_lead_the_domain_elsewhere(site: Site) -> None:
    first_of = {}
    for build in (
        the_registrar_leads_the_domain_to_servers_of_its_own,
        the_domain_that_the_name_servers_are_in_has_run_out,
    ):
        first_of[build] = site.diagnose("example.org", build(site)).ordered[0].remedy[0]
    renew, elsewhere = first_of.values()
    assert renew.startswith("if the registration of example.org has run out, renew it")
    assert elsewhere.startswith("have example.org delegated to servers that there are")


def test_a_challenge_zone_of_its_own_on_the_same_servers_is_healthy(site: Site) -> None:
    for apex in ("example.org", NAME):
        site.world.zone(apex, {"ns.example.org": ONE})

    assert site.diagnose("example.org", {"DNS01_MEMORY_ZONES": NAME}).ordered == []
