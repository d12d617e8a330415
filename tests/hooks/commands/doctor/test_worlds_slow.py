"""Name servers that answer after a while: that is what they are told, and not that they are silent."""

from __future__ import annotations

import pytest
from examined import examine
from setups import BOTH, Site
from testbed import TIME_LIMIT

from dns01.hooks.commands.doctor.checks import placement, servers
from dns01.hooks.commands.doctor.examine import diagnose
from dns01.hooks.commands.doctor.finding import Finding, Severity


def found(site: Site, delays: tuple[float, ...], *, tcp: bool = True) -> list[Finding]:
    """What is said of the two name servers of example.org."""
    for server, seconds in zip(site.world.zone("example.org", BOTH).servers, delays, strict=True):
        server.delay = seconds
        server.drop_tcp = bool(seconds) and not tcp
    examined = examine(site.world, "example.org", DNS01_CA="letsencrypt")
    checks = {"delegation": placement.check, "servers": servers.check}
    return diagnose(examined, checks, TIME_LIMIT).ordered


@pytest.mark.parametrize("seconds", [0.9, 3.2, 4.2])
def test_one_server_that_is_slow_is_a_warning(site: Site, seconds: float) -> None:
    (finding,) = found(site, (0, seconds))

    assert (finding.code, finding.subject) == ("slow-server", "ns2.example.org")
    assert finding.severity == Severity.WARNING
    assert " s at 127.1.0.2)" in finding.message


def test_servers_that_all_take_a_second_are_a_warning(site: Site) -> None:
    (finding,) = found(site, (1.0, 1.0))

    assert finding.code == "slow-server"
    assert "ns1.example.org, ns2.example.org" in finding.subject


@pytest.mark.parametrize("seconds", [2.2, 4.2])
def test_servers_that_are_all_slower_than_a_resolver_waits_are_an_error(site: Site, seconds: float) -> None:
    (finding,) = found(site, (seconds, seconds))

    assert (finding.code, finding.severity) == ("slow-zone", Severity.ERROR)
    assert "move the zone example.org" in finding.remedy[1]


def test_a_slow_server_whose_tcp_is_closed_is_told_both(site: Site) -> None:
    assert [each.code for each in found(site, (0, 2.2), tcp=False)] == ["slow-server", "no-tcp"]
