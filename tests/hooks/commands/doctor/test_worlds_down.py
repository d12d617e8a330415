"""Faults that leave a zone without any useful server: the likely reason, and where it is mended."""

from __future__ import annotations

import sqlite3
import subprocess

import dns.dnssec
import dns.rdatatype
import pytest
from calls import KEY
from setups import BOTH, NAME, ONE, TWO, Account, Fault, Faults, Site, check_fault
from testbed import Bind, NameServer, PowerDNS, Zone

FAULTS = Faults()


@FAULTS.add("zone-down", "ns1.hostnig.net", "registrar", "named there: ns1.hosting.net")
def the_registrar_has_a_typing_error_in_the_servers_names(site: Site) -> Account:
    text = "@ SOA ns1.hosting.net. hostmaster 3 3600 600 86400 60\n@ NS ns1.hosting.net.\n"
    site.start(Bind(ONE, {"example.org": text}, [KEY]))
    site.world.zones["org"].set("example.org", "NS", "ns1.hostnig.net.", "ns2.hostnig.net.")
    return site.updates(ONE)


@FAULTS.add("zone-down", "ns.example.net is in example.net", "this circle", "example.org. NS ns.example.org.")
def two_zones_have_each_others_hosts_as_name_servers(site: Site) -> Account:
    for address, apex, other in ((ONE, "example.org", "example.net"), (TWO, "example.net", "example.org")):
        zone = Zone(apex, f"@ NS ns.{other}.\nns A {address}\n")
        site.world.servers[address] = site.start(NameServer(address, zones=[zone]))
        site.world.zones[apex.rpartition(".")[2]].set(apex, "NS", f"ns.{other}.")
    return {}


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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
