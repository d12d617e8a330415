"""Port 53, where something near to this machine answers in the place of name servers, or lets nothing out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from ......errors import DelegationError
from ......threads import in_background
from .....dns.address import Address, family
from .....dns.cname_chain import Discovery
from .....dns.destination import Destination, PortBarred
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import NS, SOA, Query, Response
from .....dns.transports.transport import Transport
from ...finding import Examined, Finding, Severity
from ..subjects.destination import followed

TIMEOUT = 2.5  # seconds for servers and resolvers: a lost datagram is sent again after 2
HTTPS = 2.0  # seconds: silent name servers have cost 5 of the 8 that a check has
SHOWN = 3  # addresses in a message


def barred(examined: Examined, error: PortBarred) -> Finding:
    """No name server at all can be asked from here."""
    severity, meanwhile = _without_port_53(examined)
    if error.barrier == "something intercepts it":
        return _intercepted(str(error), "198.41.0.4", severity, meanwhile)
    return Finding(
        "port-53-blocked",
        severity,
        "port 53",
        str(error),
        (
            "let UDP and TCP to port 53 of any address out, in the firewalls of this machine and its network",
            "see for yourself: dig +norec +tries=1 SOA . @198.41.0.4",
            meanwhile,
        ),
    )


def diverted(examined: Examined, zone: str, own: Collection[Address]) -> Finding | None:
    """Where all servers of a zone (at the addresses ``own``) answer like resolvers, and those of the zones
    above, heard by addresses of another family or over TCP, do so as well by addresses of this one."""
    if heard := _like_resolvers(examined.discovery, zone, own):
        return _intercepted(_words(zone, heard), heard[0].ip, *_without_port_53(examined))
    return None


def answered_in_their_place(examined: Examined, delegation: Destination) -> Finding | None:
    """Where the root's own servers seem to speak for the zone, and otherwise answer like resolvers: it is an
    inside server that has a zone of that name, and is asked in the place of everybody."""
    zone, discovery = delegation.zone, examined.discovery
    if "." not in zone or discovery.known_zone(zone.partition(".")[2]):
        return None  # a registry has led there
    own = [address for server in delegation.servers for address in server.addresses]
    heard = _like_resolvers(discovery, zone, own, least=1)
    if not heard:
        return None
    hosts = ", ".join(server.name for server in delegation.servers)
    shown = ", ".join(each.ip for each in heard[:SHOWN])
    return Finding(
        "port-53-intercepted",
        Severity.ERROR,
        "port 53",
        f"something on the way intercepts port 53: {shown}, the root's name servers, answer like resolvers "
        f"(flags RA, and not AA), and speak for {zone} themselves: an inside server does, which has a zone "
        f"{zone} of its own ({hosts}); nothing is seen here of the one that the world reads",
        (
            "have the redirection of port 53 taken out of the router or firewall (DNAT, `transparent` DNS, a "
            "service mesh), for this machine at least",
            f"or publish from a machine that sees the world's {zone}",
            f"see for yourself: dig +norec SOA {zone} @{heard[0].ip} should have neither aa nor ra",
        ),
    )


def without_intercepted(examined: Examined, survey: ZoneSurvey) -> tuple[ZoneSurvey, Finding | None]:
    """The survey without the answers that came from others in the place of the servers, by one family of
    addresses, where another is free."""
    strange = [server for server in survey.answers if server.soa_response.like_a_resolver]
    families = {family(server.address) for server in strange}
    mixed = [
        server
        for server in survey.answers
        if family(server.address) in families and server not in strange and not server.silent
    ]
    if not strange or mixed or survey.intercepted:
        return survey, None
    heard = _like_resolvers(examined.discovery, survey.apex, [server.address for server in strange])
    if not heard:
        return survey, None
    free = survey._replace(answers=tuple(server for server in survey.answers if server not in strange))
    with suppress(DelegationError):
        if followed(examined).intercepted:  # of which the check of the views tells
            return free, None
    meanwhile = "until then orders go through by the addresses of the other family"
    found = _intercepted(_words(survey.apex, heard), heard[0].ip, Severity.WARNING, meanwhile)
    return free, found


def _words(zone: str, heard: Sequence[Address]) -> str:
    shown = ", ".join(each.ip for each in heard[:SHOWN])
    return (
        f"something on the way intercepts port 53: {shown}, name servers of the zones above {zone}, answer "
        "like resolvers, and so do its own (flags RA, and not AA)"
    )


def _like_resolvers(
    discovery: Discovery, zone: str, own: Collection[Address], *, least: int = 2
) -> list[Address]:
    """The servers of the zones above that answer like resolvers, the root's first; none where one answers for
    itself, or fewer than ``least`` answer."""
    above = zone.partition(".")[2]
    families = set(map(family, own))
    others = [
        address
        for apex in dict.fromkeys(("", discovery.known_zone(above)))
        for server in discovery.known_servers(apex)
        for address in server.addresses
        if address not in own and family(address) in families
    ]
    with Transport(discovery.timing) as wire:
        answers = wire.ask((Query(each, above, SOA) for each in others), TIMEOUT)
    heard = {query.server for query, answer in answers.items() if answer.message is not None}
    if len(heard) < least or not all(answer.like_a_resolver for answer in answers.values() if answer.message):
        return []
    return [each for each in others if each in heard]


def _intercepted(words: str, ip: str, severity: Severity, meanwhile: str) -> Finding:
    return Finding(
        "port-53-intercepted",
        severity,
        "port 53",
        words,
        (
            "have the redirection of port 53 taken out of the router or firewall (DNAT, `transparent` DNS)",
            f"see for yourself: dig +norec SOA . @{ip} should have the flag aa, and not ra",
            meanwhile,
        ),
    )


def _without_port_53(examined: Examined) -> tuple[Severity, str]:
    """How bad that is. A wait goes by what endpoints over HTTPS see, and where none answers by what resolvers
    do, whoever answers in their place. They are asked about what exists: the root, and a registry's zone."""
    from .....dns.transports.doh import Doh

    settings, endpoints = examined.settings, examined.settings.doh
    if settings.readiness_for(examined.name) == "authoritative":
        return Severity.ERROR, 'until then, readiness = "public" has resolvers decide in their place'
    asking = in_background(partial(_telling, settings.resolvers, examined.domain.rpartition(".")[2]))
    with Doh(HTTPS) as https:
        answers = https.ask_all((endpoint, ".") for endpoint in endpoints).values()
        if any(answer.message is not None for answer in answers):
            return Severity.WARNING, f"until then orders go through, degraded, by {', '.join(endpoints)}"
    if telling := asking.result():
        return Severity.WARNING, f"until then orders go through, degraded, by what is heard of {telling}"
    either = " or ".join(endpoints) or "the endpoints of DNS01_DOH"
    return Severity.ERROR, f"or let HTTPS to {either} out (HTTPS_PROXY): then orders go through, degraded"


def _telling(resolvers: Sequence[Address], name: str) -> str:
    """Which of the resolvers tell the NS records of a name, in a list for a sentence."""
    with Transport() as wire:
        answers = wire.ask((Query(each, name, NS, recurse=True) for each in resolvers), TIMEOUT)
    telling = [query.server.ip for query, answer in answers.items() if _tells(answer)]
    return ", ".join(sorted(telling)[:SHOWN])


def _tells(answer: Response) -> bool:
    return answer.message is not None and bool(answer.message.answer)
