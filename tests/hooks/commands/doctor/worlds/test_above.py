"""Faults above the challenge name: names that are denied while others are beneath, and the zone above."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
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
)
from signed import SignedBind
from testbed import Bind, Knot, NameServer, PowerDNS, Zone
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.finding import Severity

FAULTS = Faults()
HEAD = f"@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A {ONE}\n"
PAIR = f"@ SOA ns1 hostmaster {{}} 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A {ONE}\nns2 A {TWO}\n"
WWW = "www.sub A 192.0.2.1\n"


# Empty non-terminals


class Denying(NameServer):
    """A server that says NXDOMAIN of a name without records, whatever is beneath it."""

    def __init__(self, address: str, zone: Zone, name: str) -> None:
        super().__init__(address, zones=[zone])
        self._denied = dns.name.from_text(name)

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        response = super().answer(query, over)
        if response is not None and query.question[0].name == self._denied:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


def unrectified(site: Site, text: str) -> None:
    """PowerDNS as ``pdnsutil load-zone`` and SQL leave it: the names between are not in its database."""
    site.start(PowerDNS(ONE, {"example.org": HEAD + text}))
    site.world.delegate("example.org", {"ns.example.org": ONE})


class Rectified(PowerDNS):
    """PowerDNS after ``pdnsutil rectify-zone``."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        rectify = ["pdnsutil", f"--config-dir={self.folder}", "rectify-zone", "example.org"]
        subprocess.run(rectify, check=True, capture_output=True)
        return command


@FAULTS.add("name-denied", "sub.example.org does not exist", "rectify-zone example.org",
            'sub.example.org. TXT "-"', severity=Severity.WARNING, domain="www.sub.example.org")  # fmt: skip
def powerdns_denies_what_is_between(site: Site) -> Account:
    unrectified(site, WWW)
    return {}


@FAULTS.add(
    "name-denied", "sub.example.org does not exist", severity=Severity.WARNING, domain="www.sub.example.org"
)
def powerdns_denies_what_is_above_a_wildcard(site: Site) -> Account:
    unrectified(site, "*.sub A 192.0.2.1\n")
    return {}


@FAULTS.add("name-denied", "b.c.example.org does not exist", "has a.b.c.example.org",
            severity=Severity.WARNING, domain="a.b.c.example.org")  # fmt: skip
def powerdns_denies_two_names_in_a_row(site: Site) -> Account:
    unrectified(site, "a.b.c A 192.0.2.1\n")
    return {}


@FAULTS.add("name-denied", "ns2.example.org", "has www.sub.example.org beneath", severity=Severity.WARNING,
            domain="www.sub.example.org")  # fmt: skip
def one_server_denies_what_is_between(site: Site) -> Account:
    zone = Zone("example.org", PAIR.format(1) + WWW)
    for server in (NameServer(ONE, zones=[zone]), Denying(TWO, zone, "sub.example.org")):
        site.start(server)
    site.world.delegate("example.org", BOTH)
    return {}


@FAULTS.add("name-denied", "dept.example.org does not exist", "has lab.dept.example.org",
            severity=Severity.WARNING, domain="lab.dept.example.org")  # fmt: skip
def what_is_above_a_delegation_is_denied(site: Site) -> Account:
    zone = Zone("example.org", HEAD + f"lab.dept NS ns.lab.dept\nns.lab.dept A {THREE}\n")
    site.start(Denying(ONE, zone, "dept.example.org"))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.start(
        NameServer(THREE, zones=[Zone("lab.dept.example.org", "", {"ns.lab.dept.example.org": THREE})])
    )
    return {"DNS01_MEMORY_ZONES": "lab.dept.example.org"}


@FAULTS.add("name-denied", "auth.example.net does not exist", "has x.auth.example.net",
            severity=Severity.WARNING)  # fmt: skip
def what_is_above_the_target_of_the_cname_is_denied(site: Site) -> Account:
    site.world.zone("example.org", BOTH).set(NAME, "CNAME", "x.auth.example.net.")
    zone = Zone("example.net", f"@ NS ns\nns A {FOUR}\nx.auth TXT old\n")
    site.start(Denying(FOUR, zone, "auth.example.net"))
    site.world.delegate("example.net", {"ns.example.net": FOUR})
    return {"DNS01_MEMORY_ZONES": "example.net"}


@pytest.mark.parametrize("software", [Bind, Knot, Rectified])
@pytest.mark.parametrize("domain", ["www.sub.example.org", "new.sub.example.org", "a.b.c.example.org"])
def test_names_without_records_are_healthy(
    site: Site, software: type[Bind | Knot | Rectified], domain: str
) -> None:
    site.start(software(ONE, {"example.org": HEAD + WWW + "*.c A 192.0.2.1\n"}))
    site.world.delegate("example.org", {"ns.example.org": ONE})

    assert site.diagnose(domain, {}).ordered == []


# The servers of the zone above


CHILD: Mapping[str, str] = {"DNS01_MEMORY_ZONES": "sub.example.org"}


def above(site: Site, second: str, serial: int = 3) -> None:
    """A child at THREE, which the first server of example.org delegates; the second has this instead."""
    site.world.zone("example.org", {"ns1.example.org": ONE}, PAIR.format(3))
    site.world.zone("sub.example.org", {"ns.sub.example.org": THREE})
    site.copy(TWO, PAIR.format(serial) + second)
    site.world.delegate("example.org", BOTH)


@FAULTS.add("one-sided-child", "ns2.example.org", "sub.example.org", domain="sub.example.org")
def one_server_of_the_zone_above_does_not_delegate(site: Site) -> Account:
    above(site, "")
    return CHILD


@FAULTS.add("one-sided-child", "ns2.example.org", domain="sub.example.org")
def one_server_of_the_zone_above_delegates_to_the_old_hoster(site: Site) -> Account:
    site.start(NameServer(FOUR, zones=[Zone("sub.example.org", "", {"old.sub.example.org": FOUR})]))
    above(site, f"sub NS old.sub\nold.sub A {FOUR}\n")
    return CHILD


@FAULTS.add("lame-server", "ns2.example.org does not serve example.org", severity=Severity.WARNING,
            domain="sub.example.org")  # fmt: skip
def one_server_of_the_zone_above_refuses(site: Site) -> Account:
    above(site, "")
    site.world.servers[TWO].drop("example.org")
    return CHILD


@FAULTS.add(
    "silent-server", "ns2.example.org of example.org", severity=Severity.WARNING, domain="sub.example.org"
)
def one_server_of_the_zone_above_is_dead(site: Site) -> Account:
    above(site, "")
    site.world.servers[TWO].silent = True
    return CHILD


def test_a_server_of_the_zone_above_that_is_late_is_the_cause(site: Site) -> None:
    """Whose servers are found to be the domain's is chance there."""
    above(site, "", serial=2)

    found = site.diagnose("sub.example.org", CHILD).ordered[0]

    assert (found.code in ("one-sided-child", "stale-secondary"), found.severity) == (True, Severity.ERROR)
    assert "ns2.example.org" in found.message
    assert "rndc retransfer example.org" in "\n".join(found.remedy)


@FAULTS.add("ns-without-address", f"ns2.example.org. A {TWO}", "no address in the zone itself",
            severity=Severity.WARNING)  # fmt: skip
def the_servers_have_their_addresses_at_the_parent_alone(site: Site) -> Account:
    zone = site.world.zone("example.org", BOTH)
    for host in BOTH:
        zone.remove(host, "A")
    return {}


# CAA of the zone above


DIGICERT, OWN_CAA = '@ CAA 0 issue "digicert.com"\n', 'sub.example.org. CAA 0 issue "letsencrypt.org"'


def under_digicert(site: Site, child: str = "") -> None:
    """A zone that lets another CA issue, and a child of it, which is somebody else's."""
    site.world.zone("example.org", BOTH, PAIR.format(3) + DIGICERT)
    site.world.zone("sub.example.org", {"ns.sub.example.org": THREE}, child)


@FAULTS.add("caa-forbids", f"in sub.example.org, which ends the climb before example.org: {OWN_CAA}",
            "or, in example.org", domain="sub.example.org")  # fmt: skip
def the_zone_above_lets_another_ca_issue(site: Site) -> Account:
    under_digicert(site)
    return CHILD


@FAULTS.add("caa-forbids", OWN_CAA, domain="www.sub.example.org")
def a_name_beneath_the_apex_comes_under_the_records_of_the_zone_above(site: Site) -> Account:
    under_digicert(site)
    return CHILD


@FAULTS.add("caa-forbids", OWN_CAA, domain="*.sub.example.org")
def a_wildcard_comes_under_the_records_of_the_zone_above(site: Site) -> Account:
    under_digicert(site)
    return CHILD


@FAULTS.add("caa-forbids", f"add this record: {OWN_CAA}", domain="www.sub.example.org")
def the_zone_itself_lets_another_ca_issue(site: Site) -> Account:
    under_digicert(site, "@ SOA ns hostmaster 1 3600 600 86400 60\n" + DIGICERT)
    return CHILD


# A child that a signed zone does not delegate


def signed_above(site: Site, text: str = "", *, nsec3: bool = False) -> None:
    """A BIND with both zones, of which the upper one is signed."""
    keys = site.folder / "keys"
    upper = site.start(SignedBind(keys, FOUR, {"example.org": HEAD + text}, nsec3=nsec3))
    clauses = [
        f'zone "example.org" {{ type primary; file "{upper.folder}/example.org.zone"; }};',
        'zone "sub.example.org" { type primary; file "{sub.example.org}"; };',
    ]
    site.start(RawBind(ONE, clauses, {"sub.example.org": HEAD}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *upper.ds)


@FAULTS.add("dnssec-bogus", "does not delegate sub.example.org", "write sub.example.org. NS",
            domain="sub.example.org")  # fmt: skip
def a_signed_zone_does_not_delegate_its_child(site: Site) -> Account:
    signed_above(site)
    return CHILD


@FAULTS.add("dnssec-bogus", "does not delegate sub.example.org", domain="sub.example.org")
def a_signed_zone_has_an_address_where_the_child_is(site: Site) -> Account:
    signed_above(site, "sub A 192.0.2.1\n")
    return CHILD


@FAULTS.add("dnssec-bogus", "does not delegate sub.example.org", domain="sub.example.org")
def a_signed_zone_with_nsec3_does_not_delegate_its_child(site: Site) -> Account:
    signed_above(site, nsec3=True)
    return CHILD


def added_behind_the_signer(site: Site, child: str, *, nsec3: bool = False) -> Account:
    """A delegation that was written into the signed file, which has no proof that there is no DS."""
    upper = site.start(SignedBind(site.folder / "keys", FOUR, {"example.org": HEAD}, nsec3=nsec3))
    text = (upper.folder / "example.org.zone").read_text()
    site.write("signed", f"{text}\n{child}. 60 IN NS ns.example.org.\n")
    clauses = [
        f'zone "example.org" {{ type primary; file "{site.folder}/signed"; }};',
        f'zone "{child}" {{ type primary; file "{{{child}}}"; check-names ignore; }};',
    ]
    site.start(RawBind(ONE, clauses, {child: HEAD}))
    site.world.delegate("example.org", {"ns.example.org": ONE})
    site.world.zones["org"].set("example.org", "DS", *upper.ds)
    return {"DNS01_MEMORY_ZONES": child}


@FAULTS.add("dnssec-bogus", "sub.example.org", "sign example.org again", domain="sub.example.org")
def the_delegation_was_written_into_the_signed_file(site: Site) -> Account:
    return added_behind_the_signer(site, "sub.example.org")


@FAULTS.add("dnssec-bogus", NAME, "sign example.org again")
def the_delegation_of_the_challenge_was_written_into_the_signed_file(site: Site) -> Account:
    return added_behind_the_signer(site, NAME)


@FAULTS.add("dnssec-bogus", NAME, "sign example.org again")
def the_same_with_nsec3(site: Site) -> Account:
    return added_behind_the_signer(site, NAME, nsec3=True)


@pytest.mark.parametrize("nsec3", [False, True])
def test_a_child_that_a_signed_zone_delegates_is_healthy(site: Site, *, nsec3: bool) -> None:
    signed_above(site, f"sub NS ns.sub\nns.sub A {ONE}\n", nsec3=nsec3)

    assert site.diagnose("sub.example.org", CHILD).ordered == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)
