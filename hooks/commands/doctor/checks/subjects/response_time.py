"""Which servers of a zone are slow: measured where a look at the zone takes long, once for all checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress

from ......threads import in_background_once
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.destination import Server
from .....dns.inspect.response_time import ResponseTime, response_times
from .....dns.inspect.zone_survey import ZoneSurvey
from .response_rate import try_early
from .zones import survey_of

USUAL = 0.6  # seconds for a look at a zone; where it takes longer, somebody is slow, or silent
LONGEST = 4.6  # seconds: with what has gone by, the checks have 8 in all
CONFIRMED = 1.5  # seconds: who takes less is asked again
ABOVE = 2  # servers of the zone above that are asked the same


def measured(discovery: Discovery, apex: str) -> Mapping[Address, ResponseTime]:
    """How long each server of the zone takes for an answer; nothing where the look at it was quick."""
    return _times(discovery, apex).result() if "." in apex else {}  # else it is a registry's


@in_background_once(256)
def _times(discovery: Discovery, apex: str) -> Mapping[Address, ResponseTime]:
    """Beyond what servers of the zone above take, for that is this machine's or its line's; and of two times
    the better one, for the questions of all checks and domains may have been too many for a moment."""
    if survey_of(discovery, apex, USUAL):
        return {}
    servers = _addresses(discovery, apex)
    try_early(discovery, servers, apex)
    above = _addresses(discovery, discovery.known_zone(apex.partition(".")[2]))
    others = [each for each in above if each not in servers][:ABOVE]
    times = response_times([*servers, *others], apex, discovery.timing, LONGEST)
    if again := [each for each in servers if times[each].slow and times[each].seconds < CONFIRMED]:
        confirmed = response_times(again, apex, discovery.timing, CONFIRMED)
        times |= {each: times[each].or_better(confirmed[each]) for each in again}
    line = min((times[each].seconds for each in others if times[each].seconds), default=0.0)
    return {each: times[each].beyond(line) for each in servers}


def measured_while(
    looking: Future[ZoneSurvey | None], servers: Sequence[Server], apex: str, discovery: Discovery
) -> Mapping[Address, ResponseTime]:
    """The same of servers that the configuration names, while they are looked at."""
    with suppress(TimeoutError):
        looking.result(USUAL)
        return {}
    addresses = [each for server in servers for each in server.addresses]
    try_early(discovery, addresses, apex)
    return response_times(addresses, apex, discovery.timing, LONGEST)


def _addresses(discovery: Discovery, apex: str) -> list[Address]:
    return [address for server in discovery.known_servers(apex) for address in server.addresses]
