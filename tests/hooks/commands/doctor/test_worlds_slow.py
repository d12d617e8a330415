"""Name servers that answer after a while: that is what they are told, and not that they are silent."""

from __future__ import annotations

import pytest
from examined import examine
from setups import BOTH, Site
from testbed import TIME_LIMIT

from dns01.hooks.commands.doctor.checks import placement
from dns01.hooks.commands.doctor.checks.name_servers import check as servers
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


NOT_SAID = {"silent-server", "no-tcp", "no-udp", "zone-down", "rate-limited"}


@pytest.mark.parametrize("seconds", [2.5, 3.4])
def test_one_server_that_is_slow_is_a_warning(site: Site, seconds: float) -> None:
    first, *others = found(site, (0, seconds))

    assert (first.code, first.severity) == ("slow-server", Severity.WARNING)
    assert "ns2.example.org" in first.subject
    assert " s at 127.1.0.2" in first.message
    assert not NOT_SAID & {each.code for each in others}


def test_servers_that_are_all_slower_than_a_resolver_waits_are_an_error(site: Site) -> None:
    first, *others = found(site, (3.4, 3.4))

    assert (first.code, first.severity) == ("slow-zone", Severity.ERROR)
    assert "move the zone example.org" in first.remedy[1]
    assert not NOT_SAID & {each.code for each in others}


def test_a_slow_server_whose_tcp_is_closed_is_told_both(site: Site) -> None:
    assert {"slow-server", "no-tcp"} <= {each.code for each in found(site, (0, 2.5), tcp=False)}


def test_where_the_zone_above_is_as_slow_nobody_is_told_to_be_quicker(site: Site) -> None:
    """It is this machine that is slow, or its line."""
    for server in site.world.zones["org"].servers:
        server.delay = 1.0

    assert "slow-server" not in {each.code for each in found(site, (1.0, 1.0))}
