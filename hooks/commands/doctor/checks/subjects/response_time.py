"""Which servers of a zone are slow: measured where a look at the zone takes long, once for all checks."""

from __future__ import annotations

from collections.abc import Mapping

from ......threads import in_background_once
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.inspect.response_time import ResponseTime, response_times
from .zones import survey_of

USUAL = 0.6  # seconds for a look at a zone; where it takes longer, somebody is slow, or silent
LONGEST = 4.6  # seconds: with what has gone by, the checks have 8 in all


def measured(discovery: Discovery, apex: str) -> Mapping[Address, ResponseTime]:
    """How long each server of the zone takes for an answer; nothing where the look at it was quick."""
    return _times(discovery, apex).result() if "." in apex else {}  # else it is a registry's


@in_background_once(256)
def _times(discovery: Discovery, apex: str) -> Mapping[Address, ResponseTime]:
    if survey_of(discovery, apex, USUAL):
        return {}
    addresses = (address for server in discovery.known_servers(apex) for address in server.addresses)
    return response_times(addresses, apex, discovery.timing, LONGEST)
