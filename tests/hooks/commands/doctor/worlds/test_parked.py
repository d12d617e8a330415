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
from fakes.digitalocean import DigitalOcean
from setups import FOUR, NAME, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, NameServer
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

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


# The same without authority


class WithoutAuthority(ParkingServer):
    """It answers whatever it is asked about; with authority, of its own name alone."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message:
        response = super().answer(query, over)
        if not query.question[0].name.to_text().endswith("parking.net."):
            response.flags &= ~dns.flags.AA
        return response


def without_authority(site: Site, parking: Parking, named: str = "ns.example.org.") -> Account:
    """The world is led to two such servers; at the account's own, the zone has this name server."""
    site.world.delegate("parking.net", PARKING)
    for address in PARKING.values():
        site.start(WithoutAuthority(address, parking))
    site.world.delegate("example.org", PARKING)
    text = f"@ SOA ns hostmaster 3 3600 600 86400 60\n@ NS {named}\nns A {ONE}"
    site.start(Bind(ONE, {"example.org": text}, [KEY]))
    return site.updates(ONE)


DENIED = RENEW, "deny whatever is asked, even the zone itself", "parked and suspended domains"


@FAULTS.add("zone-down", *DENIED, "named there: ns.example.org")
def no_name_exists_and_nothing_shows_authority(site: Site) -> Account:
    return without_authority(site, lambda response, name, type: response.set_rcode(dns.rcode.NXDOMAIN))


@FAULTS.add("zone-down", *DENIED)
def no_name_has_anything_and_nothing_shows_authority(site: Site) -> Account:
    return without_authority(site, lambda response, name, type: None)


@FAULTS.add("zone-down", *DENIED, "still has the zone, and names these servers", "ask the hoster")
def the_hoster_has_switched_the_zone_off_that_its_customer_still_sees(site: Site) -> Account:
    return without_authority(site, lambda response, name, type: None, "ns1.parking.net.")


@FAULTS.add("zone-down", RENEW, "give 192.0.2.99 for names that nobody has made", "parked")
def each_name_has_an_address_and_nothing_shows_authority(site: Site) -> Account:
    def parking(response: dns.message.Message, name: dns.name.Name, type: dns.rdatatype.RdataType) -> None:
        if type == dns.rdatatype.A:
            response.answer.append(records(name, "A", "192.0.2.99"))

    return without_authority(site, parking)


@FAULTS.add("zone-down", "they know it", "caches and load balancers", "is to show the flag aa")
def a_cache_stands_before_the_name_servers(site: Site) -> Account:
    return without_authority(
        site, lambda response, name, type: response.authority.append(soa("example.org."))
    )


@FAULTS.add("zone-down", "they do not have it", "set example.org up at ns1.parking.net")
def the_servers_refer_to_the_root(site: Site) -> Account:
    root = records(".", "NS", "a.root-servers.net.")
    return without_authority(site, lambda response, name, type: response.authority.append(root))


@FAULTS.add("zone-down", "NOTAUTH", "they do not have it", "set example.org up at ns1.parking.net")
def the_servers_say_that_they_are_not_those_of_the_zone(site: Site) -> Account:
    return without_authority(site, lambda response, name, type: response.set_rcode(dns.rcode.NOTAUTH))


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


def at_the_servers_of_an_api(site: Site, primary: str, apex: str = "example.org") -> Account:
    """The API tells the NS names, and these are the world's."""
    hosts = {"ns1.hoster.example": FOUR, "ns2.hoster.example": THREE}
    site.world.zone("example", {"ns.nic.example": "127.0.0.6"})
    site.world.zone("hoster.example", hosts)
    site.world.zone(apex, hosts, f"@ SOA {primary} hostmaster.hoster.example. 7 3600 600 86400 60")
    api = site.start(DigitalOcean([apex]))
    return {"DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": api.token, "DO_API_URL": api.url}


API = (RENEW, "dns01 doctor example.org --write")


@FAULTS.add("account-elsewhere", *API, "called parked.hoster.example", severity=Severity.WARNING)
def the_hoster_of_an_api_parks_the_domain_on_the_servers_that_it_had(site: Site) -> Account:
    return at_the_servers_of_an_api(site, "parked.hoster.example.")


@FAULTS.add("account-elsewhere", *API, "called ns1.expired-domains.net", severity=Severity.WARNING)
def the_hoster_of_an_api_shows_the_zone_of_domains_that_have_run_out(site: Site) -> Account:
    return at_the_servers_of_an_api(site, "ns1.expired-domains.net.")


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


@pytest.mark.parametrize(
    ("apex", "primary"),
    [
        ("example.org", "ns0.hoster.example."),
        ("example.org", "ns1.parkway.example."),
        ("example.org", "ns1.household.example."),
        ("car-parking.org", "ns1.car-parking.org."),
    ],
)
def test_a_name_that_only_sounds_so_is_not_taken_for_parking(site: Site, apex: str, primary: str) -> None:
    found = site.diagnose(apex, at_the_servers_of_an_api(site, primary, apex)).ordered

    assert "account-elsewhere" not in {each.code for each in found}


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
