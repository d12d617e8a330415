"""Faults of a copy: nobody fetches it, or some addresses or questions alone lead to it."""

from __future__ import annotations

import dns.message
import dns.rdatatype
import pytest
from calls import KEY
from setups import BOTH, FOUR, NAME, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, Knot, NameServer, PowerDNS, Zone
from testbed.sockets import Transport

FAULTS = Faults()
LOOKED_AT = {dns.rdatatype.SOA, dns.rdatatype.NS, dns.rdatatype.DNSKEY}
HEAD = "@ SOA {mname} hostmaster {serial} 3600 600 86400 60\n@ NS ns1\n@ NS ns2\n"
AT_BOTH = HEAD + f"ns1 A {ONE}\nns2 A {TWO}\n"


@FAULTS.add("stale-secondary", "serial 12 at 127.1.0.1", "zone transfer", "use an account there")
def a_database_of_powerdns_that_the_public_servers_do_not_read(site: Site) -> Account:
    server = site.start(PowerDNS(THREE, {"example.org": AT_BOTH.format(mname="ns1", serial=55)}))
    site.world.zone("example.org", BOTH, "@ SOA ns1 hostmaster 12 3600 600 86400 60\n")
    return site.powerdns(server)


@FAULTS.add("stale-secondary", "type secondary", "remove ns2.example.org from the NS records")
def a_primary_that_was_never_made_a_secondary(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": AT_BOTH.format(mname="ns1", serial=2026113005)}, [KEY]))
    site.copy(TWO, "@ SOA ns1 hostmaster 2025010101 3600 600 86400 60\n")
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("serial-went-back", "above 2026112901", "another server")
def a_hidden_primary_that_its_own_soa_does_not_name(site: Site) -> Account:
    site.start(Bind(THREE, {"example.org": AT_BOTH.format(mname="hidden", serial=5)}, [KEY]))
    site.world.zone("example.org", BOTH, "@ SOA hidden hostmaster 2026112901 3600 600 86400 60\n")
    return site.updates(THREE)


@FAULTS.add("glue-differs", "an old copy", "registrar", f"of ns1.example.org to: {THREE}")
def the_parent_leads_to_the_machines_that_the_servers_have_left(site: Site) -> Account:
    moved = HEAD.format(mname="ns1", serial=2026113001) + f"ns1 A {THREE}\nns2 A {FOUR}\n"
    site.start(Bind(THREE, {"example.org": moved}, [KEY]))
    site.copy(FOUR, moved)
    for address in (ONE, TWO):
        site.copy(address, "@ SOA ns1 hostmaster 2025010101 3600 600 86400 60\n")
    site.world.delegate("example.org", BOTH)
    return site.updates(THREE)


@FAULTS.add("stale-secondary", "another machine than 127.1.0.2", "remove its record", "AAAA fd53::2")
def the_ipv6_address_of_a_server_leads_to_an_old_copy(site: Site) -> Account:
    hosts = {"ns1.example.org": ONE, "ns2.example.org": [TWO, "fd53::2"]}
    zone = site.world.zone("example.org", hosts)
    site.world.servers["fd53::2"].freeze()
    zone.set("example.org", "SOA", "ns1.example.org. hostmaster.example.org. 8 3600 600 86400 60")
    return {}


class Balanced(NameServer):
    """Two machines at one address, of which the one that is asked over TCP has an old copy."""

    def __init__(self, address: str, zone: Zone, old: Zone) -> None:
        super().__init__(address, zones=[zone])
        self._behind = NameServer(address, zones=[old])

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        return self._behind.answer(query, over) if over == "tcp" else super().answer(query, over)


@FAULTS.add("stale-secondary", "serial 7 at 127.1.0.2 by turns", "several machines", "+nsid")
def one_of_two_machines_behind_an_address_is_behind(site: Site) -> Account:
    old, new = (Zone("example.org", AT_BOTH.format(mname="ns1", serial=serial)) for serial in (7, 8))
    for server in (NameServer(ONE, zones=[new]), Balanced(TWO, new, old)):
        site.start(server)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("stale-secondary", "serial 7 at 127.1.0.1 by turns", "several machines")
def one_of_two_machines_at_the_primarys_own_address_is_behind(site: Site) -> Account:
    old, new = (Zone("example.org", AT_BOTH.format(mname="ns1", serial=serial)) for serial in (7, 8))
    for server in (Balanced(ONE, new, old), NameServer(TWO, zones=[new])):
        site.start(server)
    site.world.delegate("example.org", BOTH)
    return {}


class ByTurns(NameServer):
    """Two machines at one address: the one with the old copy is not met until there is a question for a TXT
    or CAA record, and every second time from then on."""

    def __init__(self, address: str, zone: Zone, old: Zone) -> None:
        super().__init__(address, zones=[zone])
        self._behind = NameServer(address, zones=[old])
        self._met = 0

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        (question,) = query.question
        other = question.rdtype not in LOOKED_AT
        self._met += other or (self._met > 0 and question.rdtype == dns.rdatatype.SOA)
        old = other or self._met % 2
        return self._behind.answer(query, over) if old else super().answer(query, over)


@FAULTS.add("stale-secondary", "serial 7 at 127.1.0.2 by turns", "several machines", "+nsid")
def one_of_two_machines_is_behind_and_the_survey_meets_the_other(site: Site) -> Account:
    old, new = (Zone("example.org", AT_BOTH.format(mname="ns1", serial=serial)) for serial in (7, 8))
    for server in (NameServer(ONE, zones=[new]), ByTurns(TWO, new, old)):
        site.start(server)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add(
    "stale-secondary", "each of the name servers ns1.example.org, ns2.example.org", "primaries of their own"
)
def a_load_balancer_with_an_old_copy_behind_it_has_all_addresses(site: Site) -> Account:
    old, new = (Zone("example.org", AT_BOTH.format(mname="ns1", serial=serial)) for serial in (7, 8))
    for address in (ONE, TWO):
        site.start(Balanced(address, new, old))
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("two-primaries", "others: example.org. NS ns1.example.org.; example.org. NS ns2.example.org.")
def a_zone_that_still_names_the_servers_of_its_former_hoster(site: Site) -> Account:
    text = "@ SOA {mname} hostmaster {serial} 3600 600 86400 60\n@ NS ns1.old.net.\n@ NS ns2.old.net.\n"
    text += f"ns1 A {ONE}\nns2 A {TWO}\n"
    former = {"ns1.old.net": THREE, "ns2.old.net": FOUR}
    site.start(Bind(ONE, {"example.org": text.format(mname="ns1", serial=8)}, [KEY]))
    for address, mname, serial in ((TWO, "ns1", 8), (THREE, "ns1.old.net.", 3), (FOUR, "ns1.old.net.", 3)):
        zone = Zone("example.org", text.format(mname=mname, serial=serial))
        site.start(NameServer(address, zones=[zone]))
    site.world.zones["net"].set_addresses(former)
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("account-elsewhere", "ns1.example.org", "remove `nameservers`")
def the_nameservers_have_a_copy_that_the_world_does_not_read(site: Site) -> Account:
    site.start(Bind(THREE, {"example.org": ""}, [KEY]))
    site.world.zone("example.org", BOTH)
    return {**site.updates(THREE), "DNS01_NAMESERVERS": THREE}


@FAULTS.add("acmedns-cname-wrong", f"{NAME}. CNAME d420c923.auth.acmedns.net.")
def acme_dns_with_a_cname_that_lacks_its_final_dot(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "d420c923.auth.acmedns.net.example.org.")
    return site.acmedns()


@FAULTS.add("serial-went-back", "the account: 7 there, 90 at", "above 90")
def powerdns_was_restored_from_a_backup(site: Site) -> Account:
    server = site.start(PowerDNS(THREE, {"example.org": AT_BOTH.format(mname="ns1", serial=7)}))
    site.world.zone("example.org", BOTH, "@ SOA ns1 hostmaster 90 3600 600 86400 60\n")
    return site.powerdns(server)


@FAULTS.add("account-elsewhere", "ns1.old.net", "serial 31")
def an_old_copy_that_names_the_same_primary_and_other_servers(site: Site) -> Account:
    old = "@ SOA ns1 hostmaster 20 3600 600 86400 60\n@ NS ns1.old.net.\n"
    site.start(Knot(THREE, {"example.org": old}, [KEY]))
    site.world.zone("example.org", BOTH, "@ SOA ns1 hostmaster 31 3600 600 86400 60\n")
    return site.updates(THREE)


@FAULTS.add(
    "account-elsewhere",
    "example.org still have a zone sub.example.org",
    "delete it",
    domain="sub.example.org",
)
def the_servers_of_the_zone_above_have_kept_the_child(site: Site) -> Account:
    site.world.zone("example.org", BOTH, f"sub NS ns.sub\nns.sub A {THREE}\n")
    child = f"@ SOA ns hostmaster 9 3600 600 86400 60\n@ NS ns\nns A {THREE}\n"
    site.start(Bind(THREE, {"sub.example.org": child}, [KEY]))
    for address in (ONE, TWO):
        site.world.servers[address].serve(Zone("sub.example.org", "", BOTH))
    return site.updates(THREE)


@FAULTS.add(
    "one-sided-child", "a zone www.example.org of its own", "delete the zone", domain="www.example.org"
)
def one_server_has_a_child_that_nobody_delegates(site: Site) -> Account:
    child = "@ SOA ns1.example.org. hostmaster 1 3600 600 86400 60\n@ NS ns1.example.org.\n"
    zones = {"example.org": AT_BOTH.format(mname="ns1", serial=5), "www.example.org": child}
    site.start(Bind(ONE, zones, [KEY]))
    site.copy(TWO, AT_BOTH.format(mname="ns1", serial=5))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add(
    "one-sided-child", "a zone www.example.org of its own", "delete the zone", domain="www.example.org"
)
def a_child_that_nobody_delegates_refuses_the_update(site: Site) -> Account:
    child = "@ SOA ns1.example.org. hostmaster 1 3600 600 86400 60\n@ NS ns1.example.org.\n"
    zones = {"example.org": AT_BOTH.format(mname="ns1", serial=5), "www.example.org": child}
    server = Bind(ONE, zones, [KEY])
    server.granted = {"www.example.org": ["other.www.example.org"]}
    site.start(server)
    site.copy(TWO, AT_BOTH.format(mname="ns1", serial=5))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("lame-server", "delegates _acme-challenge.example.org, to itself", "add the zone")
def a_server_of_the_zone_above_lacks_the_child_that_it_is_to_have(site: Site) -> Account:
    site.world.zone("example.org", BOTH, "_acme-challenge NS ns1\n_acme-challenge NS ns2\n")
    site.world.servers[ONE].serve(Zone(NAME, "", BOTH))
    return {"DNS01_MEMORY_ZONES": NAME}


@FAULTS.add("one-sided-caa", "ns2.example.org (127.1.0.2) has other CAA records", "let pki.goog issue")
def one_server_alone_has_a_caa_that_forbids(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.world.servers[TWO].serve(Zone("example.org", '@ CAA 0 issue "pki.goog"', BOTH))
    return {}


def test_one_server_alone_has_a_caa_and_it_allows(site: Site) -> None:
    site.world.zone("example.org", BOTH)
    site.world.servers[TWO].serve(Zone("example.org", '@ CAA 0 issue "letsencrypt.org"', BOTH))

    assert not site.diagnose("example.org", {}).ordered


def test_the_nameservers_are_the_hidden_primary_and_the_world_is_in_step(site: Site) -> None:
    site.start(Bind(THREE, {"example.org": AT_BOTH.format(mname="hidden", serial=5)}, [KEY]))
    site.world.zone("example.org", BOTH, "@ SOA hidden hostmaster 5 3600 600 86400 60\n")

    assert not site.diagnose("example.org", {**site.updates(THREE), "DNS01_NAMESERVERS": THREE}).ordered


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
