"""A resolver of this machine's network has inside addresses for the name servers of a zone, which the world
reads elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from setups import NAME, ONE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import NameServer, Zone

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
HOSTER = {"ns1.hoster.net": ONE, "ns2.hoster.net": TWO}
INSIDE = {"ns1.hoster.net": "127.5.0.1", "ns2.hoster.net": "127.5.0.2"}
RESOLVER = "127.0.0.62"
OLD = "@ SOA dc1.example.org. hostmaster 1 3600 600 86400 60\n@ NS ns1.hoster.net.\n@ NS ns2.hoster.net."
SAID = ("127.0.0.62", "take 127.0.0.62 out of `resolvers`", "dig A ns2.hoster.net @127.0.0.62", "127.5.0.2")


def inside(site: Site, hosts: Mapping[str, str] = INSIDE, text: str = "") -> Account:
    """example.org at a hoster; of its name servers, the configured resolver has these addresses."""
    site.world.zone("hoster.net", HOSTER)
    site.world.zone("example.org", HOSTER, text)
    theirs = Zone("hoster.net", "", {**HOSTER, **hosts})
    site.start(NameServer(RESOLVER, zones=[theirs, site.world.zones["."], site.world.zones["example.org"]]))
    return {"DNS01_RESOLVERS": RESOLVER}


def at_inside(site: Site, zone: Zone) -> None:
    for address in INSIDE.values():
        site.start(NameServer(address, zones=[zone]))


@FAULTS.add("inside-addresses", "127.5.0.1", ONE, "ns1.hoster.net left out of what", "127.0.0.62")
def an_old_copy_is_inside(site: Site) -> Account:
    at_inside(site, Zone("example.org", OLD))
    return inside(site)


@FAULTS.add("inside-addresses", *SAID)
def one_of_the_name_servers_is_inside(site: Site) -> Account:
    at_inside(site, Zone("example.org", OLD))
    return inside(site, {"ns2.hoster.net": "127.5.0.2"})


@FAULTS.add("inside-addresses", "127.5.0.1", "127.5.0.2")
def nobody_answers_inside(site: Site) -> Account:
    return inside(site)


@FAULTS.add("inside-addresses", *SAID, severity=Severity.WARNING)
def nobody_answers_at_the_one_that_is_inside(site: Site) -> Account:
    return inside(site, {"ns2.hoster.net": "127.5.0.2"})


@FAULTS.add("inside-addresses", "127.5.0.1", "the zone that the world reads is not there")
def who_is_inside_has_other_zones(site: Site) -> Account:
    at_inside(site, Zone("example.net", "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.5.0.1"))
    return inside(site)


@FAULTS.add("inside-addresses", "127.5.0.1", "127.0.0.62")
def an_inside_resolver_stands_beside_one_of_the_world(site: Site) -> Account:
    at_inside(site, Zone("example.org", OLD))
    inside(site)
    return {"DNS01_RESOLVERS": f"{RESOLVER},{site.world.resolver.address}"}


@FAULTS.add("inside-addresses", "the name servers of challenges.test", "127.5.0.1")
def the_zone_behind_a_cname_is_read_inside(site: Site) -> Account:
    at_inside(site, Zone("challenges.test", OLD))
    account = inside(site)
    site.world.zone("challenges.test", HOSTER)
    site.world.zone(
        "example.org", {"ns1.example.org": "127.1.0.3"}, f"{NAME}. CNAME example.challenges.test."
    )
    return {**account, "DNS01_MEMORY_ZONES": "challenges.test"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_inside_resolver_is_named_and_no_name_server_blamed(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
    codes = {finding.code for finding in site.diagnose(fault.domain, {"DNS01_RESOLVERS": RESOLVER}).ordered}
    assert not codes & {"stale-secondary", "foreign-copy", "private-address", "silent-server", "lame-server"}


def test_inside_addresses_of_the_very_servers_are_no_fault(site: Site) -> None:
    """As where the address translation is on the way out."""
    account = inside(site)
    for address in INSIDE.values():
        site.start(NameServer(address, zones=[site.world.zones["example.org"]]))

    assert site.diagnose("example.org", account).ordered == []


def test_an_inside_address_whose_copy_comes_a_while_later_is_no_fault(site: Site) -> None:
    account = inside(site)
    zone = site.world.zones["example.org"]
    servers = [site.start(NameServer(address, zones=[zone])) for address in INSIDE.values()]
    for server in servers:
        server.lag = 1.0
    zone.set("www.example.org", "A", "192.0.2.1")

    assert "inside-addresses" not in {each.code for each in site.diagnose("example.org", account).ordered}
