"""Name servers that answer after a while: that is what they are told, and not that they are silent."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
import dns.rdatatype
import pytest
from examined import examine
from setups import BOTH, FOUR, NAME, ONE, THREE, TWO, Site
from testbed import TIME_LIMIT, NameServer, Zone
from testbed.nameserver import RateLimit
from testbed.sockets import Transport

from dns01.hooks.commands.doctor.checks import placement
from dns01.hooks.commands.doctor.checks.name_servers import check as servers
from dns01.hooks.commands.doctor.checks.subjects.response_time import measured
from dns01.hooks.commands.doctor.examine import diagnose
from dns01.hooks.commands.doctor.finding import Finding, Severity
from dns01.hooks.dns.inspect.response_rate import BURST


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


def behind_a_cname(site: Site, delays: tuple[float, ...]) -> list[Finding]:
    """What is said where the challenge's zone is another one, of two servers."""
    site.world.zone("example.org", BOTH, f"{NAME}. CNAME example.challenges.net.")
    zone = site.world.zone("challenges.net", {"ns1.challenges.net": THREE, "ns2.challenges.net": FOUR})
    for server, seconds in zip(zone.servers, delays, strict=True):
        server.delay = seconds
    examined = examine(site.world, "example.org", "challenges.net", DNS01_CA="letsencrypt")
    checks = {"delegation": placement.check, "servers": servers.check}
    return diagnose(examined, checks, TIME_LIMIT).ordered


def test_a_slow_server_of_the_zone_behind_a_cname_is_a_warning(site: Site) -> None:
    first, *others = behind_a_cname(site, (0, 2.5))

    assert (first.code, first.severity, first.subject) == (
        "slow-server",
        Severity.WARNING,
        "ns2.challenges.net",
    )
    assert not NOT_SAID & {each.code for each in others}


@pytest.mark.parametrize("seconds", [2.5, 3.4])
def test_servers_behind_a_cname_that_are_all_slow_are_an_error(site: Site, seconds: float) -> None:
    first, *others = behind_a_cname(site, (seconds, seconds))

    assert (first.code, first.severity, first.subject) == ("slow-zone", Severity.ERROR, "challenges.net")
    assert not (NOT_SAID | {"challenge-zone-down"}) & {each.code for each in others}


def of_named_ones(site: Site, spoil: Callable[[NameServer], None]) -> list[Finding]:
    """What is said of two servers that the configuration names, of which the second is spoilt."""
    spoil(site.world.zone("example.org", BOTH).servers[1])
    examined = examine(site.world, "example.org", DNS01_NAMESERVERS=f"{ONE},{TWO}")
    return diagnose(examined, {"servers": servers.check}, TIME_LIMIT).ordered


@pytest.mark.parametrize("seconds", [2.5, 4.0])
def test_a_slow_one_of_nameservers_is_a_warning(site: Site, seconds: float) -> None:
    """A wait has the patience to hear it."""
    (finding,) = of_named_ones(site, lambda server: setattr(server, "delay", seconds))

    assert (finding.code, finding.severity, finding.subject) == ("slow-server", Severity.WARNING, TWO)
    assert "take 127.1.0.2 out of `nameservers`" in finding.remedy[1]


def test_one_of_nameservers_that_limits_the_rate_of_its_answers_is_a_warning(site: Site) -> None:
    (finding,) = of_named_ones(site, lambda server: setattr(server, "rate_limit", RateLimit(3, 0)))

    assert (finding.code, finding.severity, finding.subject) == ("rate-limited", Severity.WARNING, TWO)


def test_servers_that_keep_a_look_waiting_are_tried_for_a_limit_meanwhile(site: Site) -> None:
    """One answer a second, and nothing beyond that: after the look, and the time that slow servers get, there
    would be none left for a try."""
    zone = site.world.zone("example.org", BOTH)
    for server in zone.servers:
        server.rate_limit = RateLimit(1, 0)
    examined = examine(site.world, "example.org", DNS01_CA="letsencrypt")
    examined.discovery.cut("example.org")
    measured(examined.discovery, "example.org")
    asked = [len(server.asked("example.org", "NS")) for server in zone.servers]

    (finding,) = diagnose(examined, {"servers": servers.check}, TIME_LIMIT).ordered

    assert (finding.code, finding.severity) == ("rate-limited", Severity.WARNING)
    assert "ns1.example.org, ns2.example.org" in finding.subject
    assert min(asked) >= BURST


class Forgetful(NameServer):
    """A server that answers each kind of question once over UDP; its keys have been asked for before."""

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        type = dns.rdatatype.to_text(query.question[0].rdtype)
        asked = [each for each in self.asked("example.org", type) if each.over == "udp"]
        return None if over == "udp" and len(asked) > (type != "DNSKEY") else super().answer(query, over)


def test_what_else_servers_with_a_low_limit_leave_unanswered_is_not_told(site: Site) -> None:
    """As the answers that are large, and come over TCP alone."""
    for address in BOTH.values():
        site.start(Forgetful(address, zones=[Zone("example.org", f"@ DNSKEY 256 3 8 {'AwEA' * 200}", BOTH)]))
    site.world.delegate("example.org", BOTH)
    examined = examine(site.world, "example.org", DNS01_CA="letsencrypt")

    found = diagnose(examined, {"servers": servers.check}, TIME_LIMIT).ordered

    assert {each.code for each in found} == {"rate-limited"}


def test_where_the_zone_above_is_as_slow_nobody_is_told_to_be_quicker(site: Site) -> None:
    """It is this machine that is slow, or its line."""
    for server in site.world.zones["org"].servers:
        server.delay = 1.0

    assert "slow-server" not in {each.code for each in found(site, (1.0, 1.0))}
