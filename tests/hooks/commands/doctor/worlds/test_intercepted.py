"""Something near to this machine answers in the place of name servers: which family of addresses it diverts,
and whom it is not to be taken for."""

from __future__ import annotations

import pytest
from examined import examine
from setups import FOUR, NAME, ONE, THREE, TWO, Site
from testbed import TIME_LIMIT, PowerDNS, Unbound, Zone
from testbed.firewall import WORLD, diverting

from dns01.hooks.commands.doctor.checks.registry import CHECKS
from dns01.hooks.commands.doctor.examine import diagnose
from dns01.hooks.commands.doctor.finding import Finding, Severity

SIX, SEVEN = "2001:db8:5353::1", "2001:db8:5353::2"
NOBODY = "https://127.0.0.58/dns-query"


def diverted(site: Site, *spoilt: str, above: bool = True, **environ: str) -> list[Finding]:
    """What all checks find of example.org where these addresses, and those of the zones above, answer like
    resolvers; the way down was heard before, as by addresses of another family."""
    environ = {"DNS01_CA": "letsencrypt", "DNS01_DOH": NOBODY, **environ}
    examined = examine(site.world, "example.org", **environ)._replace(root=str(site.folder))
    for apex in ("example.org", "net"):
        examined.discovery.cut(apex)
    upper = [server for apex in (".", "org", "net") for server in site.world.zones[apex].servers]
    for server in [site.world.servers[each] for each in spoilt] + upper * above:
        server.intercepted = True
    return diagnose(examined, CHECKS, TIME_LIMIT).ordered


def test_where_one_family_is_diverted_and_the_other_is_not_no_server_is_blamed(site: Site) -> None:
    site.world.zone("example.org", {"ns1.example.org": ONE, "ns2.example.org": SIX})

    (finding,) = diverted(site, ONE)

    assert (finding.code, finding.severity) == ("port-53-intercepted", Severity.WARNING)
    assert "and so do its own" in finding.message
    assert finding.remedy[0].startswith("have the redirection of port 53 taken out")
    assert finding.remedy[-1] == "until then orders go through by the addresses of the other family"


def test_several_servers_by_each_family_are_one_finding(site: Site) -> None:
    four = {"ns1.example.org": ONE, "ns2.example.org": TWO, "ns3.example.org": SIX, "ns4.example.org": SEVEN}
    site.world.zone("example.org", four)

    assert [each.code for each in diverted(site, ONE, TWO)] == ["port-53-intercepted"]


def test_beside_a_zone_of_one_family_alone_it_is_said_once(site: Site) -> None:
    site.world.zone(
        "example.org", {"ns1.example.org": ONE, "ns2.example.org": SIX}, f"{NAME}. CNAME example.net."
    )
    site.world.zone("example.net", {"ns1.example.net": THREE})

    (finding,) = diverted(site, ONE, THREE, DNS01_MEMORY_ZONES="example.net")

    assert (finding.code, finding.severity) == ("port-53-intercepted", Severity.WARNING)
    assert "the zones above example.net" in finding.message
    assert "orders go through, degraded, by what is heard of" in finding.remedy[-1]


def test_where_the_zones_above_answer_for_themselves_a_forwarder_is_a_lame_server(site: Site) -> None:
    site.world.zone("example.org", {"ns1.example.org": ONE, "ns2.example.org": SIX})

    assert [each.code for each in diverted(site, ONE, above=False)] == ["lame-server"]


@pytest.mark.parametrize("other", [TWO, SIX])
def test_where_a_server_of_the_same_family_answers_for_itself_another_is_lame(site: Site, other: str) -> None:
    three = {"ns1.example.org": ONE, "ns2.example.org": TWO, "ns3.example.org": other}
    site.world.zone("example.org", three)

    codes = {each.code for each in diverted(site, ONE)}

    assert "lame-server" in codes
    assert "port-53-intercepted" not in codes


def test_a_wait_that_believes_nobody_but_the_servers_fails(site: Site) -> None:
    site.world.zone("example.org", {"ns1.example.org": ONE})

    (finding,) = diverted(site, ONE, DNS01_READINESS="authoritative")

    assert (finding.code, finding.severity) == ("port-53-intercepted", Severity.ERROR)
    assert 'readiness = "public"' in finding.remedy[-1]


# An inside server that has a zone of that name


INSIDE = (
    "outgoing-interface: {world}\n"
    'local-zone: "{zone}." static\n'
    'local-data: "{zone}. SOA dc1.{zone}. hostmaster.{zone}. 5 3600 600 86400 60"\n'
    'local-data: "{zone}. NS dc1.{zone}."\nlocal-data: "dc1.{zone}. A 127.1.0.4"\n'
)


def inside_server(site: Site, zone: str) -> None:
    """All that is sent to port 53 from here arrives at a resolver that has the zone itself."""
    options = INSIDE.format(world=WORLD, zone=zone)
    site.start(Unbound(FOUR, root_hints=site.world.root_hints, extra_options=options))
    site.start(diverting(FOUR))


@pytest.mark.parametrize("domain", ["example.org", "www.example.org", "*.example.org"])
def test_an_inside_server_with_the_zone_is_asked_in_the_place_of_all(site: Site, domain: str) -> None:
    api = site.start(PowerDNS(THREE, {"example.org": ""}))
    site.world.zone("example.org", {"ns1.example.org": ONE})
    inside_server(site, "example.org")

    first = site.diagnose(domain, site.powerdns(api)).ordered[0]

    assert (first.code, first.severity) == ("port-53-intercepted", Severity.ERROR)
    assert "an inside server does, which has a zone example.org of its own (dc1.example.org)" in first.message


def test_a_root_of_ones_own_that_has_the_zone_itself_intercepts_nothing(site: Site) -> None:
    (root,) = site.world.zones["."].servers
    root.serve(Zone("example.org", "", {"ns1.example.org": root.address}))

    assert "port-53-intercepted" not in {each.code for each in site.diagnose("example.org", {}).ordered}
