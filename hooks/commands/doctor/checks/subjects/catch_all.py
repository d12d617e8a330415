"""Servers that take every name for a zone of its own, as those of parked domains do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ......errors import DelegationError
from ......names import ancestors
from ......threads import in_background_once
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.destination import Destination
from .....dns.message import SOA, Query, apex_of
from .....dns.transports.transport import Transport
from ...finding import Examined
from .destination import followed

WITHIN = 2.0  # seconds: they have answered just before


class CatchAll(NamedTuple):
    """``apex``: the domain that is delegated to the servers."""

    apex: str
    servers: tuple[Address, ...]


def catch_all(examined: Examined) -> CatchAll | None:
    """The servers that the record is led to, if they show zones that nobody has made."""
    with suppress(DelegationError):
        delegation = followed(examined)
        if apex := _delegated(examined, delegation):
            addresses = tuple(each for server in delegation.servers for each in server.addresses)
            if servers := _ask(examined.discovery, apex, addresses).result():
                return CatchAll(apex, tuple(servers))
    return None


def _delegated(examined: Examined, delegation: Destination) -> str:
    """The domain above the record's own name that is delegated to its servers; empty where that name is no
    zone, or one of other servers."""
    if delegation.zone != delegation.target or delegation.private:
        return ""
    hosts = {server.name for server in delegation.servers}
    above = [*ancestors(delegation.target)][1:]
    led = [each for each in above if hosts & {*examined.discovery.known_cut(each).hosts}]
    return led[-1] if led else ""


@in_background_once(256)
def _ask(discovery: Discovery, apex: str, servers: Sequence[Address]) -> list[Address]:
    missing = f"dns01-doctor.{apex}"
    with Transport(discovery.timing) as transport:
        answers = transport.ask([Query(each, missing, SOA) for each in servers], WITHIN)
    return [
        query.server
        for query, answer in answers.items()
        if answer.message and answer.authoritative and apex_of(answer.message) == missing
    ]
