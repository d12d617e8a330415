"""Servers that truncate, drop or refuse what is above a rate, or whose datagrams get lost."""

from __future__ import annotations

from collections.abc import Container, Iterator

from .....dns.address import Address
from .....dns.inspect.response_rate import BURST
from .....dns.inspect.zone_survey import ZoneSurvey
from ...finding import Finding, Severity
from ...wording import affected, located, or_drop, the_server


def limited(survey: ZoneSurvey) -> Iterator[Finding]:
    """Whoever is asked too much by one address truncates, drops or refuses: a CA has many addresses."""
    for hosts, servers in affected(survey, lambda server: server.refusing):
        yield Finding(
            "rate-limited",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} refuses at one moment (REFUSED) what it answers at "
            f"another, at {located(servers)}: it limits how much one address may ask in a second, and the "
            "resolvers of a CA may be among those that are refused",
            (
                f"raise the limit at {hosts}, or at what is before it (dnsdist's MaxQPSIPRule, a firewall): "
                "a CA asks some twenty questions in a second; let what is above it be truncated, not refused",
                f"see for yourself: dig SOA {survey.apex} +norec @{servers[0].address.ip}, twenty times at "
                "once, and once more a little later",
            ),
        )
    for hosts, servers in affected(survey, lambda server: server.limited):
        yield Finding(
            "rate-limited",
            Severity.NOTE,
            hosts,
            f"{the_server(hosts)} of {survey.apex} truncates answers that are small, at {located(servers)}: "
            "it limits the rate of its answers to one address, or wants to be asked over TCP",
            (
                "see that the limit is not too low for a CA, which asks some twenty questions in a second: "
                "rate-limit { responses-per-second 20; slip 2; } (BIND), mod-rrl (Knot)",
                f"and that TCP port 53 is open: dig +tcp SOA {survey.apex} +norec @{servers[0].address.ip}",
            ),
        )


def lossy(survey: ZoneSurvey) -> Iterator[Finding]:
    """Servers on a line that loses datagrams: resolvers ask again, or another server."""
    for hosts, servers in affected(survey, lambda server: server.lossy):
        yield Finding(
            "lossy-server",
            Severity.WARNING,
            hosts,
            f"of equal questions to {the_server(hosts)} of {survey.apex}, at {located(servers)}, about "
            "half and more have no answer, now this one and now that one: datagrams get lost on the way",
            (
                f"see where: mtr -u -P 53 {servers[0].address.ip}, from here and from elsewhere; it may be "
                f"the line or the load of {hosts}, or this machine's own line",
                or_drop(survey, hosts),
            ),
        )


def dropping_answers(survey: ZoneSurvey, dropping: Container[Address]) -> Iterator[Finding]:
    """Servers that limit the rate of their answers, and drop what is above that."""
    for hosts, servers in affected(survey, lambda server: server.address in dropping):
        yield Finding(
            "rate-limited",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} limits the rate of its answers (RRL) at "
            f"{located(servers)}: of {BURST} equal questions within a second it drops some; the resolvers of "
            "a CA may be among those who hear nothing",
            (
                f"raise the limit at {hosts}, and let some of what is above it be truncated (TCP takes over "
                "then): rate-limit { responses-per-second 20; slip 2; }; (BIND), rate-limit: 20 and slip: 2 "
                "in mod-rrl (Knot)",
                f"see for yourself: dig NS {survey.apex} +norec +tries=1 @{servers[0].address.ip}, twenty "
                "times at once",
            ),
        )
