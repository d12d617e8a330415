"""The same fault at many servers of a zone is one finding, which names them all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from setups import BOTH, FOUR, Site
from testbed.world import HostedZone

from dns01.hooks.commands.doctor.finding import Finding
from dns01.hooks.dns.timing import USUAL

MANY = {f"ns{number}.example.org": f"127.1.1.{number}" for number in range(1, 14)}
OTHERS = list(MANY)[1:]
SOA = "ns1.example.org. hostmaster.example.org. 8 3600 600 86400 60"

# A busy machine may leave thirteen servers that it plays itself without their turn for seconds.
PATIENT = USUAL._replace(datagram=8.0, stream=8.0, zone_query=20.0, survey=20.0, view=10.0)


def stale(zone: HostedZone, site: Site) -> None:
    for server in zone.servers[1:]:
        server.freeze()
    zone.set("example.org", "SOA", SOA)


def refusing(zone: HostedZone, site: Site) -> None:
    for server in zone.servers[1:]:
        server.rcode = "REFUSED"


def failing(zone: HostedZone, site: Site) -> None:
    for server in zone.servers[1:]:
        server.rcode = "SERVFAIL"


def without_tcp(zone: HostedZone, site: Site) -> None:
    for server in zone.servers[1:]:
        server.drop_tcp = True


def truncating(zone: HostedZone, site: Site) -> None:
    for server in zone.servers[1:]:
        server.truncate = server.drop_tcp = True


def with_cnames(zone: HostedZone, site: Site) -> None:
    for host in OTHERS:
        zone.remove(host, "A")
        zone.set(host, "CNAME", "ns1.example.org.")


def with_other_glue(zone: HostedZone, site: Site) -> None:
    for number, host in enumerate(OTHERS):
        site.world.zones["org"].set(host, "A", f"127.9.9.{number}")


def of_homes_that_are_gone(zone: HostedZone, site: Site) -> None:
    for each in (zone, site.world.zones["org"]):
        each.set("example.org", "NS", "ns1.example.org.", *(f"{host}.gone.net." for host in OTHERS))


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("stale-secondary", stale),
        ("lame-server", refusing),
        ("server-fails", failing),
        ("no-tcp", without_tcp),
        ("no-tcp", truncating),
        ("ns-cname", with_cnames),
        ("glue-differs", with_other_glue),
        ("ns-without-address", of_homes_that_are_gone),
    ],
)
def test_one_finding_has_all_servers(
    site: Site, code: str, spoil: Callable[[HostedZone, Site], None]
) -> None:
    spoil(site.world.zone("example.org", MANY), site)

    found = [each for each in site.diagnose("example.org", {}, timing=PATIENT).ordered if each.code == code]

    assert [named(each) for each in found] == [OTHERS]


def named(finding: Finding) -> list[str]:
    """Those of the servers that the finding and its remedy name both."""
    step = "\n".join(finding.remedy)
    return [host for host in OTHERS if host in finding.message and host in step]


def test_two_foreign_copies_are_two_findings(site: Site) -> None:
    site.world.zone("example.org", BOTH)
    parked = {"ns1.one.net": "127.1.0.11", "ns2.one.net": "127.1.0.12", "ns1.two.net": FOUR}
    for hoster in ("one.net", "two.net"):
        site.world.zone(hoster, {f"ns.{hoster}": "127.1.0.13"})
        hosts = {host: ip for host, ip in parked.items() if host.endswith(hoster)}
        for ip in hosts.values():
            head = f"@ SOA ns1.{hoster}. h 1 3600 600 86400 60\n@ NS {next(iter(hosts))}.\n"
            site.copy(ip, head, {})
        for host, ip in hosts.items():
            site.world.zones[hoster].set(host, "A", ip)
    site.world.zones["org"].set("example.org", "NS", *(f"{host}." for host in (*BOTH, *parked)))

    found = [each for each in site.diagnose("example.org", {}).ordered if each.code == "foreign-copy"]

    assert [each.subject for each in found] == ["ns1.one.net, ns2.one.net", "ns1.two.net"]
