"""CAA that a CA looks for where a CNAME leads (RFC 8659 §3), and does not find out there."""

from __future__ import annotations

import pytest
from setups import BOTH, FOUR, THREE, Account, Fault, Faults, Site, check_fault
from testbed.zone import Nameservers

FAULTS = Faults()
CDN: Nameservers = {"ns1.cdn.net": THREE, "ns2.cdn.net": FOUR}
LED = (
    "www.example.org -> edge.cdn.net is a CNAME, and the name servers of cdn.net fail",
    "have the name servers of cdn.net answer: dig CAA edge.cdn.net",
    "or, where cdn.net is somebody else's, put addresses (A, AAAA) in the place of the CNAME of "
    "www.example.org",
)


def led(site: Site, text: str = "www CNAME edge.cdn.net.", cdn: str = "edge A 192.0.2.80") -> Account:
    site.world.zone("example.org", BOTH, text)
    site.world.zone("cdn.net", CDN, cdn)
    return {}


@FAULTS.add("caa-servfail", *LED, f"{THREE}: SERVFAIL", domain="www.example.org")
def the_servers_of_the_cnames_target_fail_at_caa(site: Site) -> Account:
    account = led(site)
    for server in site.world.zones["cdn.net"].servers:
        server.rcodes["edge.cdn.net", "CAA"] = "SERVFAIL"
    return account


@FAULTS.add("caa-servfail", *LED, f"{THREE}: REFUSED", domain="www.example.org")
def the_servers_of_the_cnames_target_have_the_zone_no_more(site: Site) -> Account:
    account = led(site)
    for server in site.world.zones["cdn.net"].servers:
        server.rcode = "REFUSED"
    return account


@FAULTS.add("caa-servfail", *LED, domain="www.example.org")
def nobody_is_at_the_servers_of_the_cnames_target(site: Site) -> Account:
    site.world.zone("example.org", BOTH, "www CNAME edge.cdn.net.")
    site.world.delegate("cdn.net", {"ns1.cdn.net": "127.9.9.8", "ns2.cdn.net": "127.9.9.9"})
    return {}


@FAULTS.add("caa-servfail", *LED, domain="*.www.example.org")
def the_same_of_a_wildcard(site: Site) -> Account:
    return the_servers_of_the_cnames_target_fail_at_caa(site)


@FAULTS.add(
    "caa-servfail", "www.example.org -> shop.example.org -> edge.cdn.net", "of cdn.net fail",
    "the CNAME of shop.example.org", domain="www.example.org",
)  # fmt: skip
def a_cname_leads_by_another_one_to_servers_that_fail(site: Site) -> Account:
    account = led(site, "www CNAME shop.example.org.\nshop CNAME edge.cdn.net.")
    for server in site.world.zones["cdn.net"].servers:
        server.rcodes["edge.cdn.net", "CAA"] = "NOTIMP"
    return account


@FAULTS.add(
    "caa-servfail", "www.example.org -> edge.cdn.net", "the name servers of edge.cdn.net fail",
    "where edge.cdn.net is somebody else's", domain="www.example.org",
)  # fmt: skip
def the_target_is_a_zone_of_its_own_whose_servers_fail(site: Site) -> Account:
    account = led(site, cdn="")
    site.world.zone("edge.cdn.net", {"ns1.edge.cdn.net": "127.1.0.6"}).servers[0].rcode = "SERVFAIL"
    return account


@FAULTS.add(
    "caa-servfail", "www.example.org -> edge.example.org is a CNAME", "the name servers of example.org fail",
    domain="www.example.org",
)  # fmt: skip
def the_target_is_in_the_domain_itself(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH, "www CNAME edge\nedge A 192.0.2.80")
    for server in zone.servers:
        server.rcodes["edge.example.org", "CAA"] = "SERVFAIL"
    return {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_cname_and_the_zone_whose_servers_fail_are_named(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
