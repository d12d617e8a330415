"""Faults that leave a zone without any useful server: the likely reason, and where it is mended."""

from __future__ import annotations

import sqlite3
import subprocess

import dns.dnssec
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from calls import KEY
from setups import BOTH, FOUR, NAME, ONE, THREE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, Knot, NameServer, PowerDNS, Zone, own
from testbed.firewall import swallowing
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()


@FAULTS.add("zone-down", "ns1.hostnig.net", "registrar", "named there: ns1.hosting.net")
def the_registrar_has_a_typing_error_in_the_servers_names(site: Site) -> Account:
    text = "@ SOA ns1.hosting.net. hostmaster 3 3600 600 86400 60\n@ NS ns1.hosting.net.\n"
    site.start(Bind(ONE, {"example.org": text}, [KEY]))
    site.world.zones["org"].set("example.org", "NS", "ns1.hostnig.net.", "ns2.hostnig.net.")
    return site.updates(ONE)


@FAULTS.add("zone-down", "ns1.hoster.net, to host.example.org", "CNAMEs", "example.org. NS host.example.org.")
def the_only_name_server_is_a_cname_into_the_zone_itself(site: Site) -> Account:
    site.world.zone("hoster.net", {"ns.hoster.net": TWO}, "ns1 CNAME host.example.org.")
    site.world.zone("example.org", {"host.example.org": ONE})
    for apex in ("org", "example.org"):
        site.world.zones[apex].set("example.org", "NS", "ns1.hoster.net.")
    return {}


@FAULTS.add("zone-down", "ns2.hoster.net, to ns2.gone.net", "RFC 2181", "example.org. NS ns1.gone.net.")
def the_name_servers_are_cnames_to_hosts_of_a_zone_that_is_gone(site: Site) -> Account:
    text = "ns1 CNAME ns1.gone.net.\nns2 CNAME ns2.gone.net."
    site.world.zone("hoster.net", {"ns.hoster.net": TWO}, text)
    site.world.zones["org"].set("example.org", "NS", "ns1.hoster.net.", "ns2.hoster.net.")
    return {}


@FAULTS.add("zone-down", "ns.example.net is in example.net", "this circle", "example.org. NS ns.example.org.")
def two_zones_have_each_others_hosts_as_name_servers(site: Site) -> Account:
    for address, apex, other in ((ONE, "example.org", "example.net"), (TWO, "example.net", "example.org")):
        zone = Zone(apex, f"@ NS ns.{other}.\nns A {address}\n")
        site.world.servers[address] = site.start(NameServer(address, zones=[zone]))
        site.world.zones[apex.rpartition(".")[2]].set(apex, "NS", f"ns.{other}.")
    return {}


class LoadBalancer(NameServer):
    """It answers for addresses, and to all else by ``rcode``."""

    otherwise: dns.rcode.Rcode = dns.rcode.REFUSED

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        if response and query.question[0].rdtype not in (dns.rdatatype.A, dns.rdatatype.AAAA):
            response = dns.message.make_response(query)
            response.set_rcode(self.otherwise)
        return response


def balanced(site: Site, otherwise: dns.rcode.Rcode) -> Account:
    """www.example.org is delegated to two load balancers."""
    hosts = {"lb1.example.org": THREE, "lb2.example.org": FOUR}
    text = f"@ 30 A 192.0.2.80\nlb1.example.org. A {THREE}\nlb2.example.org. A {FOUR}\n"
    for address in hosts.values():
        server = site.start(LoadBalancer(address, zones=[Zone("www.example.org", text)]))
        server.otherwise = otherwise
        site.world.servers[address] = server
    site.world.zone("example.org", {"ns1.example.org": ONE})
    site.world.delegate("www.example.org", hosts)
    return {}


BALANCED = (
    "for addresses (A) alone",
    "in the place of the NS records of www.example.org: www.example.org. A 192.0.2.80",
)


@FAULTS.add("zone-down", *BALANCED, domain="www.example.org")
def a_load_balancer_refuses_all_but_addresses(site: Site) -> Account:
    """letsencrypt/boulder#2196, #2338."""
    return balanced(site, dns.rcode.REFUSED)


@FAULTS.add("zone-down", *BALANCED, domain="www.example.org")
def a_load_balancer_fails_at_all_but_addresses(site: Site) -> Account:
    return balanced(site, dns.rcode.SERVFAIL)


@FAULTS.add("zone-down", *BALANCED, domain="www.example.org")
def a_load_balancer_knows_nothing_but_addresses(site: Site) -> Account:
    return balanced(site, dns.rcode.NOTIMP)


@FAULTS.add("zone-down", *BALANCED, domain="*.www.example.org")
def a_load_balancer_has_the_base_of_a_wildcard(site: Site) -> Account:
    return balanced(site, dns.rcode.REFUSED)


@FAULTS.add("challenge-zone-down", "remove the DNAME of sub.example.org", domain="x.sub.example.org")
def a_dname_leads_to_a_zone_that_is_down(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": "sub DNAME other.net."}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.delegate("other.net", {"ns.other.net": TWO})
    return {}


@FAULTS.add("cname-dangling", "have auth.acmedns.net delegated", "auth.acmedns.net. NS HOST")
def nothing_leads_to_the_acme_dns_server(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "d420c923.auth.acmedns.net.")
    return site.acmedns()


class Unordered(PowerDNS):
    """Signed, with NSEC3, and then its names put in no order (PowerDNS issue 8689)."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        for words in (["secure-zone", "example.org"], ["set-nsec3", "example.org", "1 0 0 -"]):
            pdnsutil = ["pdnsutil", f"--config-dir={self.folder}", *words]
            subprocess.run(pdnsutil, check=True, capture_output=True)
        with sqlite3.connect(self.folder / "pdns.sqlite3") as database:
            database.execute("UPDATE records SET ordername = NULL")
        database.close()
        return command


@FAULTS.add("denials-fail", "SERVFAIL where a question with DNSSEC", "pdnsutil rectify-zone example.org")
def a_signed_zone_of_powerdns_is_not_rectified(site: Site) -> Account:
    server = site.start(Unordered(ONE, {"example.org": ""}, extra_options="gsqlite3-dnssec=yes\n"))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    (keys,) = [
        each for each in server.ask("example.org", "DNSKEY").answer if each.rdtype == dns.rdatatype.DNSKEY
    ]
    ds = [dns.dnssec.make_ds(keys.name, key, "SHA256").to_text() for key in keys]
    site.world.zones["org"].set("example.org", "DS", *ds)
    return {}


class Unaware(NameServer):
    """Says that to every question with the flag DO."""

    words = "SERVFAIL"

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        if response and query.ednsflags & dns.flags.DO:
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.from_text(self.words))
        return response


class UnawareAndRefusing(Unaware):
    """The same in other words."""

    words = "REFUSED"


def with_unaware(site: Site, server: type[Unaware]) -> Account:
    zone = Zone("example.org", "", BOTH)
    for address in BOTH.values():
        site.start(server(address, zones=[zone]))
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("do-fails", "says SERVFAIL to any question", "for its SOA too", "software up to date")
def servers_fail_at_each_question_for_signatures(site: Site) -> Account:
    return with_unaware(site, Unaware)


@FAULTS.add("do-fails", "says REFUSED to any question")
def servers_refuse_each_question_for_signatures(site: Site) -> Account:
    return with_unaware(site, UnawareAndRefusing)


@FAULTS.add("do-fails-partly", "says SERVFAIL", "for its SOA too", severity=Severity.WARNING)
def one_server_of_two_fails_at_each_question_for_signatures(site: Site) -> Account:
    zone = Zone("example.org", "", BOTH)
    site.start(NameServer(ONE, zones=[zone]))
    site.start(Unaware(TWO, zones=[zone]))
    site.world.delegate("example.org", BOTH)
    return {}


# A child zone that is gone, while its delegation is not


PARENT = f"@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A {ONE}\n"
DELETE = "delete the NS records of sub.example.org from example.org"


def with_dead_child(site: Site, server: type[Bind | Knot | PowerDNS], child: str) -> Bind | Knot | PowerDNS:
    site.world.zone("hosting.net", {"ns.hosting.net": FOUR})
    started = site.start(server(ONE, {"example.org": PARENT + child}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return started


@FAULTS.add("zone-down", DELETE, "connection refused", "to keep it", domain="sub.example.org")
def the_server_of_a_child_zone_is_gone(site: Site) -> Account:
    with_dead_child(site, Bind, "sub NS ns.sub\nns.sub A 127.9.9.9\n")
    return site.updates(ONE)


@FAULTS.add("zone-down", DELETE, "REFUSED", domain="www.sub.example.org")
def a_child_zone_was_deleted_at_its_server(site: Site) -> Account:
    with_dead_child(site, Bind, "sub NS ns.hosting.net.\n")
    return site.updates(ONE)


@FAULTS.add("zone-down", DELETE, "do not exist", domain="sub.example.org")
def the_hosts_of_a_child_zone_are_gone(site: Site) -> Account:
    with_dead_child(site, Knot, "sub NS ns1.gone.net.\n")
    return site.updates(ONE)


@FAULTS.add("zone-down", DELETE, "REFUSED", domain="sub.example.org")
def a_child_zone_of_powerdns_was_deleted(site: Site) -> Account:
    server = with_dead_child(site, PowerDNS, "sub NS ns.hosting.net.\n")
    assert isinstance(server, PowerDNS)
    return site.powerdns(server)


@FAULTS.add("challenge-zone-down", f"delete the NS records of {NAME} from example.org")
def an_acme_dns_that_is_no_more(site: Site) -> Account:
    with_dead_child(site, Bind, "_acme-challenge NS ns.hosting.net.\n")
    return site.updates(ONE)


def test_of_a_child_that_the_account_has_the_servers_are_brought_back_first(site: Site) -> None:
    with_dead_child(site, Bind, "sub NS ns.hosting.net.\n")
    site.start(Bind(THREE, {"sub.example.org": ""}, [KEY]))

    first, *others = site.diagnose("sub.example.org", site.updates(THREE)).ordered

    assert first.code == "zone-down"
    assert "have it delegated to the name servers that are named there" in first.remedy[0]
    assert first.remedy[-1].startswith(f"or {DELETE}")
    assert "token-lacks-zone" not in [each.code for each in others]


# Addresses that nobody can reach, or this machine alone cannot


@pytest.mark.parametrize(
    "ip",
    ["10.0.0.53", "192.168.1.53", "172.31.0.1", "100.64.0.1", "127.0.0.1", "169.254.7.7", "255.255.255.255"],
)
def test_glue_that_nobody_can_reach_is_the_cause_though_it_is_silent(site: Site, ip: str) -> None:
    site.world.delegate("example.org", {"ns.example.org": ip})

    (found,) = site.diagnose("example.org", {}).ordered

    assert (found.code, found.severity) == ("private-address", Severity.ERROR)
    assert ip in found.message
    assert "at the registrar (glue)" in found.remedy[0]
    assert "ns.example.org. A ADDRESS" in found.remedy[0]


@FAULTS.add("private-address", "10.0.0.53", "ns.example.org. A ADDRESS")
def private_glue_to_which_there_is_a_route(site: Site) -> Account:
    own("10.0.0.53")
    site.start(swallowing("10.0.0.53"))
    site.world.delegate("example.org", {"ns.example.org": "10.0.0.53"})
    return {}


@FAULTS.add("private-address", "172.16.3.3", "ns1.hosting.net")
def the_hoster_has_private_addresses_for_its_servers(site: Site) -> Account:
    site.world.zone("hosting.net", {"ns.hosting.net": FOUR}).set("ns1.hosting.net", "A", "172.16.3.3")
    site.world.zones["org"].set("example.org", "NS", "ns1.hosting.net.")
    return {}


@FAULTS.add("zone-down", "REFUSED", "give ns2.example.org a public address", "10.0.0.53")
def one_server_is_lame_and_the_other_has_a_private_address(site: Site) -> Account:
    site.world.zone("hosting.net", {"ns.hosting.net": ONE})
    site.world.delegate("example.org", {"ns1.example.org": ONE, "ns2.example.org": "10.0.0.53"})
    return {}


def test_thirteen_private_addresses_are_one_finding(site: Site) -> None:
    hosts = {f"ns{number}.example.org": f"10.0.0.{number}" for number in range(1, 14)}
    site.world.zone("example.org", {"ns.example.org": ONE})
    site.world.delegate("example.org", {"ns.example.org": ONE, **hosts})

    found = [each for each in site.diagnose("example.org", {}).ordered if each.code == "private-address"]

    assert [[host for host in hosts if host in each.message] for each in found] == [list(hosts)]


@FAULTS.add("no-route-here", "192.0.2.53", "ip route get", severity=Severity.WARNING)
def this_machine_has_no_route_to_the_servers(site: Site) -> Account:
    site.world.delegate("example.org", {"ns.example.org": "192.0.2.53"})
    return {}


@FAULTS.add("no-route-here", "198.51.100.3", "ns1.hosting.net", severity=Severity.WARNING)
def this_machine_has_no_route_to_the_hosters_servers(site: Site) -> Account:
    site.world.zone("hosting.net", {"ns.hosting.net": FOUR}).set("ns1.hosting.net", "A", "198.51.100.3")
    site.world.zones["org"].set("example.org", "NS", "ns1.hosting.net.")
    return {}


@FAULTS.add("no-route-here", "192.0.2.53", severity=Severity.NOTE)
def this_machine_has_no_route_to_one_of_the_servers(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    for each in (zone, site.world.zones["org"]):
        each.set("ns2.example.org", "A", "192.0.2.53")
    return {}


@FAULTS.add("zone-down", "bring the name servers of hosting.net back", "delegated to servers that there are")
def the_hosters_own_zone_is_down(site: Site) -> Account:
    site.world.delegate("hosting.net", {"ns.hosting.net": "127.9.9.9"})
    site.world.zones["org"].set("example.org", "NS", "ns1.hosting.net.")
    return {}


@FAULTS.add(
    "zone-down", "name servers of one.net, two.net", "where these hosts are, do not answer",
    "(ns.one.net. 127.9.9.1; ns.two.net. 127.9.9.2)", "registrar of one.net, two.net change those",
)  # fmt: skip
def the_own_zones_of_two_hosters_swallow_everything(site: Site) -> Account:
    for hoster, ip in (("one.net", "127.9.9.1"), ("two.net", "127.9.9.2")):
        site.world.delegate(hoster, {f"ns.{hoster}": ip})
    site.world.zones["org"].set("example.org", "NS", "ns1.one.net.", "ns1.two.net.")
    site.start(swallowing("127.9.9.0/24"))
    return {}


@FAULTS.add("ns-not-found", "ns1.hosting.net", "+trace", severity=Severity.WARNING)
def the_own_zone_of_one_hoster_is_down(site: Site) -> Account:
    site.world.zone("example.org", {"ns1.example.org": ONE})
    site.world.delegate("hosting.net", {"ns.hosting.net": "127.9.9.9"})
    for zone in ("org", "example.org"):
        site.world.zones[zone].set("example.org", "NS", "ns1.hosting.net.", "ns1.example.org.")
    return {}


@FAULTS.add("caa-servfail", "a CAA record of your own", 'example.org. CAA 0 issue "letsencrypt.org"')
def the_registrys_servers_fail_at_caa(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    for server in site.world.zones["org"].servers:
        server.rcodes["org", "CAA"] = "SERVFAIL"
    return {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
