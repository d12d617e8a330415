"""Faults of the third and fifth kind: what is seen from here is not what the world sees, and servers
that are waited for in vain."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from calls import KEY, until
from examined import codes, examine
from setups import (
    BOTH,
    FOUR,
    NAME,
    ONE,
    THREE,
    TWO,
    Account,
    Fault,
    Faults,
    RawBind,
    Site,
    check_fault,
    owned,
)
from signed import SignedBind
from testbed import Bind, Knot, NameServer, PowerDNS, Unbound, Zone, own
from testbed.firewall import swallowing
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.checks.name_servers import check as servers
from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
SOA = (
    "@ SOA {mname} hostmaster {serial} 3600 600 86400 60\n@ NS ns1\n@ NS ns2\n"
    "ns1 A 127.1.0.1\nns2 A 127.1.0.2\n"
)
THIRTEEN = {f"ns{number}.example.org": f"127.1.1.{number}" for number in range(1, 14)}


# Addresses


@FAULTS.add("private-address", "ns2.example.org", "10.0.0.53", "registrar", severity=Severity.WARNING)
def glue_of_one_server_is_private(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.world.zones["org"].set("ns2.example.org", "A", "10.0.0.53")
    return {}


@FAULTS.add("private-address", "192.168.7.1", severity=Severity.WARNING)
def an_inside_address_that_answers_here(site: Site) -> Account:
    own("192.168.7.1")
    site.world.zone("example.org", {"ns1.example.org": ONE, "ns2.example.org": "192.168.7.1"})
    return {}


@FAULTS.add("private-address", "10.0.0.53", severity=Severity.WARNING)
def an_inside_address_where_resolvers_name_the_roots_servers_without_their_addresses(site: Site) -> Account:
    (address,) = site.world.root_hints.values()
    root = Zone(".", "@ SOA ns.roots.test. hostmaster 1 3600 600 86400 60\n@ NS ns.roots.test.")
    hosts = Zone("roots.test", f"@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A {address}")
    site.start(NameServer("127.0.0.64", zones=[root, hosts]))
    site.world.zone("example.org", BOTH)
    site.world.zones["org"].set("ns2.example.org", "A", "10.0.0.53")
    return {"DNS01_RESOLVERS": "127.0.0.64"}


@FAULTS.add("private-address", "ns1.example.org", "127.0.0.1", severity=Severity.WARNING)
def glue_is_the_host_itself(site: Site) -> Account:
    site.world.zone("example.org", {"ns1.example.org": "127.0.0.1", "ns2.example.org": TWO})
    return {}


@FAULTS.add("private-address", "192.168.7.1", "192.168.7.2")
def two_of_three_servers_are_at_inside_addresses(site: Site) -> Account:
    owned("192.168.7.1", "192.168.7.2")
    hosts = {"ns2.example.org": "192.168.7.1", "ns3.example.org": "192.168.7.2"}
    site.world.zone("example.org", {"ns1.example.org": ONE, **hosts})
    return {}


@FAULTS.add("stale-secondary", "192.168.7.1")
def a_server_at_an_inside_address_has_an_old_copy(site: Site) -> Account:
    owned("192.168.7.1")
    hosts = {"ns1.example.org": ONE, "ns2.example.org": "192.168.7.1"}
    text = "@ SOA ns1 hostmaster {serial} 3600 600 86400 60"
    site.copy(ONE, text.format(serial=8), hosts)
    site.copy("192.168.7.1", text.format(serial=7), hosts)
    site.world.delegate("example.org", hosts)
    return {}


@FAULTS.add("private-address", "172.16.0.9", "ns1.example.org. A ADDRESS")
def all_servers_are_at_inside_addresses(site: Site) -> Account:
    own("172.16.0.9")
    site.world.zone("example.org", {"ns1.example.org": "172.16.0.9"})
    return {}


@FAULTS.add("glue-differs", "registrar", f"to: {TWO}", severity=Severity.WARNING)
def glue_of_one_server_is_dead(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.world.zones["org"].set("ns2.example.org", "A", "127.9.9.9")
    return {}


@FAULTS.add("glue-differs", "registrar", f"to: {TWO}", "old copy")
def glue_leads_to_an_old_copy(site: Site) -> Account:
    site.copy(FOUR, SOA.format(mname="ns1", serial=3))
    site.world.zone("example.org", BOTH, SOA.format(mname="ns1", serial=9))
    site.world.zones["org"].set("ns2.example.org", "A", FOUR)
    return {}


@FAULTS.add("glue-differs", "in the zone", f"ns2.example.org. A {TWO}", severity=Severity.WARNING)
def the_zones_own_address_of_a_server_is_dead(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set("ns2.example.org", "A", "127.9.9.9")
    return {}


@FAULTS.add("glue-differs", "registrar", ONE)
def all_glue_is_dead(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": ""}, [KEY]))
    site.world.delegate("example.org", {"ns.example.org": "127.9.9.9"})
    return site.updates(ONE)


@FAULTS.add("glue-differs", "cannot tell whether", "registrar", f"to: {TWO}", severity=Severity.WARNING)
def the_parent_has_an_ipv6_address_too_many_and_this_machine_no_ipv6(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.world.zones["org"].set("ns2.example.org", "AAAA", "2001:db8:53::1")
    return {}


@FAULTS.add("stale-secondary", "ns1.example.org", "retransfer")
def glue_that_cannot_be_asked_hides_no_old_copy(site: Site) -> Account:
    site.copy(ONE, SOA.format(mname="ns2", serial=3))
    site.copy(TWO, SOA.format(mname="ns2", serial=9))
    site.world.delegate("example.org", BOTH)
    for host in BOTH:
        site.world.zones["org"].set(host, "AAAA", "2001:db8:53::1")
    return {}


@FAULTS.add("no-ipv6-here", "2001:db8:53::1", severity=Severity.WARNING)
def all_servers_have_ipv6_alone_and_this_machine_has_none(site: Site) -> Account:
    site.world.zones["org"].set("example.org", "NS", "ns1.example.org.")
    site.world.zones["org"].set("ns1.example.org", "AAAA", "2001:db8:53::1")
    return {}


@FAULTS.add("split-horizon", "127.0.0.62", severity=Severity.WARNING)
def a_configured_resolver_has_a_view_of_its_own(site: Site) -> Account:
    inner = "@ SOA dc1.example.org. hostmaster 5 3600 600 86400 60\n@ NS dc1\ndc1 A 127.7.7.7"
    root = site.world.zones["."]
    server = site.start(NameServer("127.0.0.62", zones=[Zone("example.org", inner), root]))
    site.world.zone("example.org", BOTH)
    assert server
    return {"DNS01_RESOLVERS": f"{site.world.resolver.address},127.0.0.62"}


@FAULTS.add("resolver-dead", "127.0.0.63", severity=Severity.WARNING)
def a_configured_resolver_is_dead(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return {"DNS01_RESOLVERS": f"127.0.0.63,{site.world.resolver.address}"}


@FAULTS.add("resolver-dead", "127.0.0.64", severity=Severity.WARNING)
def a_configured_resolver_refuses(site: Site) -> Account:
    site.start(
        Unbound(
            "127.0.0.64", root_hints=site.world.root_hints, extra_options="access-control: 127.0.0.0/8 refuse"
        )
    )
    site.world.zone("example.org", BOTH)
    return {"DNS01_RESOLVERS": f"{site.world.resolver.address},127.0.0.64"}


# Servers


@FAULTS.add("stale-secondary", "ns7.example.org", "retransfer")
def one_stale_server_of_thirteen(site: Site) -> Account:
    zone = site.world.zone("example.org", THIRTEEN)
    zone.servers[6].freeze()
    zone.set("example.org", "SOA", "ns1.example.org. hostmaster.example.org. 8 3600 600 86400 60")
    return {}


@FAULTS.add("parent-answers", "ns4.example.org", "add the zone sub.example.org")
def a_parents_server_still_answers_for_the_child(site: Site) -> Account:
    site.world.zone("example.org", {"ns1.example.org": ONE, "ns2.example.org": TWO})
    site.copy(FOUR, "@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 127.1.0.1\nsub A 192.0.2.1")
    both = {"ns.sub.example.org": THREE, "ns4.example.org": FOUR}
    site.world.zone("sub.example.org", {"ns.sub.example.org": THREE}, parent_ns=both)
    return {"DNS01_MEMORY_ZONES": "sub.example.org"}


FAULTS[-1] = FAULTS[-1]._replace(domain="sub.example.org")


@FAULTS.add("serial-went-back", "ns1.example.org", "above 2026112900")
def the_primarys_serial_went_back(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": SOA.format(mname="ns1", serial=5)}, [KEY]))
    site.copy(TWO, SOA.format(mname="ns1", serial=2026112900))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("serial-went-back", "above 77")
def a_hidden_primarys_serial_went_back(site: Site) -> Account:
    head = SOA.replace("{mname}", "ns0") + "ns0 A 127.1.0.9\n"
    site.start(Knot("127.1.0.9", {"example.org": head.format(serial=5)}, [KEY]))
    site.world.zone("example.org", BOTH, head.format(serial=77))
    return site.updates("127.1.0.9")


@FAULTS.add("lame-server", "REFUSED", "add the zone example.org", severity=Severity.WARNING)
def one_server_refuses(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.world.servers[TWO].drop("example.org")
    return {}


@FAULTS.add("lame-server", "not with authority", severity=Severity.WARNING)
def one_server_answers_without_authority(site: Site) -> Account:
    site.world.zone("example.org", BOTH).servers[1].authoritative = False
    return {}


@FAULTS.add(
    "server-fails",
    "mend the zone transfer: see why in the log of ns2.example.org",
    "rndc retransfer example.org",
    severity=Severity.WARNING,
)
def a_secondary_whose_copy_has_expired(site: Site) -> Account:
    site.bind()
    site.copy(TWO, SOA.format(mname="ns", serial=1)).rcode = "SERVFAIL"
    site.world.delegate("example.org", {"ns.example.org": ONE, "ns2.example.org": TWO})
    return site.updates(ONE)


FETCHING = (
    'zone "example.org" { type secondary; primaries { 127.1.0.9 key hook; }; file "{folder}/copy"; '
    "masterfile-format text; };"
)


@FAULTS.add("server-fails", "rndc retransfer example.org", severity=Severity.WARNING)
def a_secondary_of_bind_whose_copy_has_expired(site: Site) -> Account:
    text = SOA.format(mname="ns1", serial=1)
    quick = "min-refresh-time 1; max-refresh-time 1; min-retry-time 1; max-retry-time 1;"
    with Bind("127.1.0.9", {"example.org": text.replace("3600 600 86400", "1 1 2")}, [KEY]):
        secondary = site.start(RawBind(TWO, [FETCHING], {}, quick))
        until(lambda: secondary.ask("example.org", "SOA").answer)
    until(lambda: secondary.ask("example.org", "SOA").rcode() == dns.rcode.SERVFAIL)
    site.world.zone("example.org", {"ns1.example.org": ONE}, text)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add(
    "server-fails", "allow-transfer", "ns2.example.org", "knotc zone-retransfer", severity=Severity.WARNING
)
def a_secondary_that_may_not_fetch_the_zone(site: Site) -> Account:
    clause = (
        'zone "example.org" { type primary; file "{example.org}"; allow-update { key hook; }; allow-transfer '
    )
    site.start(
        RawBind(ONE, [f"{clause} {{ none; }}; }};"], {"example.org": SOA.format(mname="ns1", serial=1)})
    )
    site.start(RawBind(TWO, [FETCHING.replace("127.1.0.9", ONE)], {}))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("lame-server", "REFUSED", "pdns_control retrieve example.org", severity=Severity.WARNING)
def a_secondary_of_powerdns_that_has_fetched_nothing(site: Site) -> Account:
    server = site.start(PowerDNS(TWO, {"example.net": ""}))
    pdnsutil = ["pdnsutil", f"--config-dir={server.folder}"]
    subprocess.run(
        [*pdnsutil, "create-secondary-zone", "example.org", "127.1.0.9"], check=True, capture_output=True
    )
    site.world.zone("example.org", {"ns1.example.org": ONE}, SOA.format(mname="ns1", serial=1))
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("ns-without-address", "takes the name of a host", severity=Severity.WARNING)
def one_of_the_zones_ns_records_holds_an_address(site: Site) -> Account:
    zone = site.world.zone("example.org", {"ns1.example.org": ONE})
    zone.set("example.org", "NS", "ns1.example.org.", f"{TWO}.")
    return {}


@FAULTS.add("ns-mismatch", "ns1.old.net", "change the zone's own NS records to: ns1.example.org",
            severity=Severity.WARNING)  # fmt: skip
def the_zone_still_names_the_servers_of_the_old_hoster(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set("example.org", "NS", "ns1.old.net.", "ns2.old.net.")
    return {}


@FAULTS.add("zone-missing", "domain of a registry", domain="org")
def the_domain_is_a_registrys(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    return {}


@FAULTS.add("serial-went-back", "count in a circle", "for example to 101")
def the_primarys_serial_is_so_great_that_it_counts_as_less(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": SOA.format(mname="ns1", serial=2900000000)}, [KEY]))
    site.copy(TWO, SOA.format(mname="ns1", serial=100))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("stale-secondary", "2147483649", "rndc retransfer example.org")
def the_serials_are_half_the_circle_apart(site: Site) -> Account:
    site.start(Bind(ONE, {"example.org": SOA.format(mname="ns1", serial=2147483649)}, [KEY]))
    site.copy(TWO, SOA.format(mname="ns1", serial=1))
    site.world.delegate("example.org", BOTH)
    return site.updates(ONE)


@FAULTS.add("zone-down", "ns1.example.org")
def no_server_serves_it(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    for address in (ONE, TWO):
        site.world.servers[address].drop("example.org")
    return {}


@FAULTS.add("zone-down", "no glue", "at the registrar", "ns1.example.org. A ADDRESS")
def the_registrar_has_no_glue(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    for host in BOTH:
        site.world.zones["org"].remove(host, "A")
    return {}


@FAULTS.add("zone-down", "do not exist", "delegated to servers that there are")
def the_hoster_of_the_servers_is_gone(site: Site) -> Account:
    site.world.zones["org"].set("example.org", "NS", "ns1.gone-hoster.net.", "ns2.gone-hoster.net.")
    return {}


@FAULTS.add("challenge-zone-down", f"{FOUR} is an address", f"ns1.{NAME}. A {FOUR}")
def a_delegation_to_an_address(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "NS", f"{FOUR}.")
    return {}


@FAULTS.add("zone-down", "REFUSED", "ns1.cdn.net", domain="www.example.org")
def a_delegation_to_a_content_network_that_knows_nothing_of_it(site: Site) -> Account:
    site.world.zone("cdn.net", {"ns1.cdn.net": FOUR})
    site.world.zone("example.org", BOTH).set("www.example.org", "NS", "ns1.cdn.net.")
    return {}


@FAULTS.add("zone-down", "allow-query { any; }", "ns.example.org")
def bind_lets_the_inside_ask_alone(site: Site) -> Account:
    clause = 'zone "example.org" { type primary; file "{example.org}"; allow-query { 10.0.0.0/8; }; };'
    site.start(RawBind(ONE, [clause], {"example.org": ""}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    return {}


@FAULTS.add("lame-server", "allow-query { any; }", severity=Severity.WARNING)
def one_bind_lets_the_inside_ask_alone(site: Site) -> Account:
    site.world.zone("example.org", {"ns1.example.org": ONE})
    clause = 'zone "example.org" { type primary; file "{example.org}"; allow-query { 10.0.0.0/8; }; };'
    site.start(RawBind(TWO, [clause], {"example.org": ""}))
    site.world.zones["example.org"].set("example.org", "NS", "ns1.example.org.", "ns2.example.org.")
    site.world.zones["example.org"].set("ns2.example.org", "A", TWO)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("zone-down", "expired", "rndc retransfer example.org", "pdns_control retrieve example.org")
def all_secondaries_have_expired(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    for server in zone.servers:
        server.rcode = "SERVFAIL"
    return {}


@FAULTS.add("silent-server", "ns2.example.org", severity=Severity.WARNING)
def one_server_of_two_is_dead(site: Site) -> Account:
    site.world.zone("example.org", BOTH).servers[1].silent = True
    return {}


@FAULTS.add("one-sided-child", NAME, "ns2.example.org")
def a_challenge_zone_is_cut_on_one_server_only(site: Site) -> Account:
    site.world.zone("example.org", {"ns1.example.org": ONE})
    cut = SOA.format(mname="ns1", serial=1) + "_acme-challenge NS ns.other.net.\n"
    site.copy(TWO, cut)
    site.world.zones["example.org"].set("example.org", "NS", "ns1.example.org.", "ns2.example.org.")
    site.world.zones["example.org"].set("ns2.example.org", "A", TWO)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("one-sided-cname", NAME, "ns2.example.org")
def a_cname_at_one_server_only(site: Site) -> Account:
    site.world.zone("example.org", {"ns1.example.org": ONE})
    cut = SOA.format(mname="ns1", serial=1) + "_acme-challenge CNAME x.example.net.\n"
    site.copy(TWO, cut)
    site.world.zones["example.org"].set("example.org", "NS", "ns1.example.org.", "ns2.example.org.")
    site.world.zones["example.org"].set("ns2.example.org", "A", TWO)
    site.world.delegate("example.org", BOTH)
    return {}


# Where the name leads


class WithDname(NameServer):
    """example.org has a DNAME, from which this server makes CNAMEs (RFC 6672 §3.1)."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        name, owner = query.question[0].name, dns.name.from_text("old.example.org")
        if response and name != owner and name.is_subdomain(owner):
            target = name.relativize(owner).derelativize(dns.name.from_text("gone.net"))
            response.set_rcode(dns.rcode.NOERROR)
            response.authority = []
            response.answer = [
                dns.rrset.from_text(owner, 60, "IN", "DNAME", "gone.net."),
                dns.rrset.from_text(name, 60, "IN", "CNAME", target.to_text()),
            ]
        return response


@FAULTS.add("cname-dangling", "remove the DNAME of old.example.org", domain="www.old.example.org")
def a_dname_leads_to_a_zone_that_is_gone(site: Site) -> Account:
    site.start(WithDname(ONE, zones=[Zone("example.org", "", {"ns1.example.org": ONE})]))
    site.world.delegate("example.org", {"ns1.example.org": ONE})
    return {}


# Slow


@FAULTS.add("provider-unreachable", "127.1.0.9")
def a_hidden_primary_that_swallows_everything(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.start(swallowing("127.1.0.9"))
    return site.updates("127.1.0.9")


@FAULTS.add("provider-unreachable", "127.0.0.77:8081")
def an_api_that_swallows_everything(site: Site) -> Account:
    site.world.zone("example.org", BOTH)
    site.start(swallowing_port("127.0.0.77", 8081))
    return {"DNS01_PROVIDER": "powerdns", "PDNS_API_KEY": "k", "PDNS_API_URL": "http://127.0.0.77:8081"}


def swallowing_port(address: str, port: int):  # type: ignore[no-untyped-def]
    from testbed import firewall

    rule = f"ip daddr {address} tcp dport {port} drop"
    return firewall._table("type filter hook input priority 0;", rule)


@FAULTS.add("no-udp", "ns2.example.org", severity=Severity.WARNING)
def one_server_has_no_udp(site: Site) -> Account:
    site.world.zone("example.org", BOTH).servers[1].drop_udp = True
    return {}


@FAULTS.add("no-udp", "let UDP port 53 through to ns1.example.org", "neither does any other")
def udp_is_closed_at_all_servers_and_tcp_open(site: Site) -> Account:
    for server in site.world.zone("example.org", BOTH).servers:
        server.drop_udp = True
    return {}


@FAULTS.add("udp-blocked", "from this machine", severity=Severity.WARNING)
def udp_is_closed_for_this_machine(site: Site) -> Account:
    for server in (*site.world.zone("example.org", BOTH).servers, *site.world.zones["org"].servers):
        server.drop_udp = True
    return {}


class Narrowed(NameServer):
    """Behind a firewall that lets no more than 512 octets through over UDP."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        large = response is not None and len(response.to_wire()) > 512
        return None if large and over == "udp" else response


@FAULTS.add("txt-unanswered", "more than 512 octets", "1232 octets", severity=Severity.WARNING)
def so_many_old_values_that_the_answer_is_lost(site: Site) -> Account:
    text = "\n".join(f'_acme-challenge TXT "{number:060}"' for number in range(9))
    site.world.zone("example.org", {"ns1.example.org": ONE})
    server = site.start(Narrowed(TWO, zones=[Zone("example.org", text, {"ns1.example.org": TWO})]))
    site.world.servers[TWO] = server
    site.world.delegate("example.org", {"ns1.example.org": TWO})
    return {}


@FAULTS.add("no-tcp", "ns2.example.org", severity=Severity.WARNING)
def one_server_has_no_tcp(site: Site) -> Account:
    site.world.zone("example.org", BOTH).servers[1].drop_tcp = True
    return {}


class Narrow(NameServer):
    """A signed server behind a firewall that lets no more than 512 octets through over UDP."""

    def __init__(self, address: str, behind: SignedBind) -> None:
        super().__init__(address)
        self._behind = behind

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        answer = dns.query.tcp(query, self._behind.address, timeout=5)
        return None if over == "udp" and len(answer.to_wire()) > 512 else answer


def narrowed(site: Site, hosts: Mapping[str, str], *, ds: bool = True) -> Account:
    """Large answers of ONE do not come by datagram; those of TWO do. ``ds``: whether the parent has one."""
    labels = {host.partition(".")[0]: address for host, address in hosts.items()}
    text = "@ SOA ns1 h 1 3600 600 86400 60\n"
    text += "".join(f"@ NS {label}\n{label} A {address}\n" for label, address in labels.items())
    keys = site.folder / "keys"
    behind = site.start(SignedBind(keys, TWO, {"example.org": text}, algorithm="RSASHA256"))
    site.start(Narrow(ONE, behind))
    site.world.delegate("example.org", hosts)
    if ds:
        site.world.zones["org"].set("example.org", "DS", *behind.ds)
    return {}


@FAULTS.add("large-udp-lost", "512", "ns1.example.org", "give up before")
def answers_of_more_than_512_octets_vanish(site: Site) -> Account:
    return narrowed(site, {"ns1.example.org": ONE})


@FAULTS.add("large-udp-lost", "512", "ns1.example.org", "give up before")
def large_answers_of_the_only_server_that_has_the_zone_vanish(site: Site) -> Account:
    site.start(NameServer(THREE))
    return narrowed(site, {"ns1.example.org": ONE, "ns2.example.org": THREE})


@FAULTS.add("large-udp-lost", "at each question", severity=Severity.WARNING)
def large_answers_vanish_of_a_zone_that_is_signed_and_has_no_ds(site: Site) -> Account:
    return narrowed(site, {"ns1.example.org": ONE}, ds=False)


@FAULTS.add("large-udp-lost", "512", "ns1.example.org", severity=Severity.WARNING)
def large_answers_of_one_server_vanish(site: Site) -> Account:
    return narrowed(site, BOTH)


@FAULTS.add("too-few-servers", "1 of 3", 'readiness = "public"')
def most_are_silent_and_they_alone_are_believed(site: Site) -> Account:
    hosts = {**BOTH, "ns3.example.org": THREE}
    for server in site.world.zone("example.org", hosts).servers[1:]:
        server.silent = True
    return {"DNS01_READINESS": "authoritative"}


@FAULTS.add("too-few-servers", "1 of 3", "`nameservers`")
def most_of_those_that_are_named_are_lame(site: Site) -> Account:
    for server in site.world.zone("example.org", {**BOTH, "ns3.example.org": THREE}).servers[1:]:
        server.rcode = "REFUSED"
    return {"DNS01_NAMESERVERS": f"{ONE},{TWO},{THREE}"}


@FAULTS.add("silent-server", "12 of 13", severity=Severity.WARNING)
def twelve_of_thirteen_servers_are_dead(site: Site) -> Account:
    for server in site.world.zone("example.org", THIRTEEN).servers[1:]:
        server.silent = True
    return {}


@FAULTS.add("zone-down", "ns1.example.org")
def all_servers_swallow_everything(site: Site) -> Account:
    for server in site.world.zone("example.org", THIRTEEN).servers:
        server.silent = True
    return {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


# A CA of one's own is in the same network


def certbot(site: Site, server: str) -> None:
    site.write(
        "/etc/letsencrypt/renewal/example.org.conf",
        f"[renewalparams]\nauthenticator = manual\npref_challs = dns-01,\nserver = {server}\n",
    )


def configured(site: Site, ca: str, more: str = "") -> dict[str, str]:
    site.write("/config.toml", f'[ca]\ndirectory = "{ca}"\n{more}', 0o600)
    return {"DNS01_CONFIG": str(site.folder / "config.toml")}


def blamed(site: Site, ca: str = "", environ: Account | None = None) -> bool:
    """Whether the private address of one of the two servers is one too many."""
    site.world.zone("example.org", BOTH)
    site.world.zones["org"].set("ns2.example.org", "A", "10.0.0.53")
    examined = examine(site.world, "example.org", DNS01_CA=ca)._replace(root=str(site.folder))
    return "private-address" in codes(servers.check(examined._replace(environ=environ or {})))


@pytest.mark.parametrize(
    "ca",
    [
        "https://ca.corp.internal/acme/acme/directory",
        "https://10.0.0.8:9000/acme/acme/directory",
        "https://[fd00::8]/directory",
        "https://ca/acme/directory",
        "https://localhost:14000/dir",
        "ca.home.arpa",
    ],
)
def test_a_ca_of_ones_own_reaches_private_addresses(site: Site, ca: str) -> None:
    assert not blamed(site, ca)


def test_so_does_the_one_that_certbot_orders_from(site: Site) -> None:
    certbot(site, "https://ca.corp.internal/acme/acme/directory")
    assert not blamed(site)


def test_so_does_one_whose_root_is_named(site: Site) -> None:
    assert not blamed(site, environ=configured(site, "https://192.0.2.8/acme", 'ca_file = "/root.pem"\n'))


@pytest.mark.parametrize("ca", ["", "letsencrypt", "https://192.0.2.8/dir", "https://ca.example.invalid/dir"])
def test_any_other_reaches_none(site: Site, ca: str) -> None:
    assert blamed(site, ca, configured(site, "letsencrypt"))
