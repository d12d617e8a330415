"""What is worth knowing of a zone's name servers, while nothing is wrong with them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import dns.rdatatype

from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.negative_ttl import negative_ttl
from ...finding import Finding, Severity

LONG = 3600  # seconds that a resolver keeps a "no" before an order had better wait for it
NEIGHBOURS = {4: 24, 6: 48}  # the prefix that one site is given: what fails in it fails together


def single_network(survey: ZoneSurvey) -> Iterator[Finding]:
    """RFC 2182 §3.1. Of one server there is nothing to say that its owner does not know, and of
    addresses that are not the internet's nothing at all."""
    addresses = [ipaddress.ip_address(server.address.ip) for server in survey.answers]
    networks = {ipaddress.ip_network((ip, NEIGHBOURS[ip.version]), strict=False) for ip in addresses}
    several = len({server.host for server in survey.answers}) > 1
    if several and len(networks) == 1 and all(ip.is_global for ip in addresses):
        yield Finding(
            "single-network",
            Severity.NOTE,
            survey.apex,
            f"all name servers of {survey.apex} are in one network, {networks.pop()}: they fail together",
            ("have a secondary elsewhere (RFC 2182 §3.1)",),
        )


def long_negative_ttl(survey: ZoneSurvey) -> Iterator[Finding]:
    """RFC 2308 §5: the lesser of the SOA's TTL and its last figure."""
    newest = survey.newest
    if newest is None or newest.authority is None or newest.soa_response.message is None:
        return
    soa = next(each for each in newest.soa_response.message.answer if each.rdtype == dns.rdatatype.SOA)
    ttl = negative_ttl(soa)
    if ttl > LONG:
        yield Finding(
            "long-negative-ttl",
            Severity.NOTE,
            survey.apex,
            f'resolvers keep the "no" of {survey.apex} for {ttl} s: whoever asks for a challenge too early '
            "spoils it for so long",
            (f"lower the last figure of the SOA record of {survey.apex} to {LONG} or less",),
        )
