"""What servers are that answer whatever is asked, and nothing with authority, in the place of a zone's."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import dns.message

from .....dns.cname_chain import Discovery
from .....dns.destination import Destination
from .....dns.message import NS, SOA, A, Query, apex_of, text
from .....dns.transports.transport import Transport
from ..subjects.account_copy import AccountCopy

TIMEOUT = 2.0  # seconds: they have answered just before
SHOWN = 3  # values in a message


def without_authority(
    discovery: Discovery, delegation: Destination, accounts: Iterable[AccountCopy]
) -> tuple[str, tuple[str, ...]] | None:
    """What is likely of them, and what to do; nothing where they refer to the zones above, as servers do that
    have never had the zone, or where that one is no registry's, and nobody registers it."""
    zone, hosts = delegation.zone, [server.name for server in delegation.servers]
    of_zone, of_nothing = _answers(discovery, delegation)
    if any(_has(message, zone) for message in of_zone):
        servers = ", ".join(hosts)
        return (
            "they know it, and answer without authority (no flag AA), as caches and load balancers do that "
            "stand before name servers",
            (
                f"have what stands before {servers} pass questions on to name servers, and their answers "
                f"back as they are: dig SOA {zone} +norec @{hosts[0]} is to show the flag aa",
                f"or have {zone} delegated to the name servers themselves",
            ),
        )
    made_up = sorted({str(rdata) for message in of_nothing for rrset in message.answer for rdata in rrset})
    referring = any(rrset.rdtype == NS for message in of_zone for rrset in message.authority)
    registered = "." not in discovery.known_zone(zone.partition(".")[2])
    if not of_zone or not registered or (referring and not made_up):
        return None
    does = "deny whatever is asked, even the zone itself"
    if made_up:
        does = f"give {', '.join(made_up[:SHOWN])} for names that nobody has made"
    return (
        f"they {does}, without authority (no flag AA, no SOA): so do servers of parked and suspended "
        "domains, and no name server of it",
        _where_parked(zone, hosts, accounts),
    )


def _answers(
    discovery: Discovery, delegation: Destination
) -> tuple[list[dns.message.Message], list[dns.message.Message]]:
    """What is said of the zone, and of a name in it that nobody has made."""
    zone = delegation.zone
    addresses = [address for server in delegation.servers for address in server.addresses]
    questions = ((zone, SOA), (f"dns01-doctor.{zone}", A))
    with Transport(discovery.timing) as transport:
        answers = transport.ask((Query(each, *asked) for asked in questions for each in addresses), TIMEOUT)
    heard = [(query.rdtype, answer.message) for query, answer in answers.items() if answer.message]
    return [message for rdtype, message in heard if rdtype == SOA], [
        message for rdtype, message in heard if rdtype == A
    ]


def _has(message: dns.message.Message, zone: str) -> bool:
    shown = any(rrset.rdtype == SOA and text(rrset.name) == zone for rrset in message.answer)
    return shown or apex_of(message) == zone


def _where_parked(zone: str, hosts: Collection[str], accounts: Iterable[AccountCopy]) -> tuple[str, ...]:
    renew = (
        f"see whether the registration of {zone} (whois {zone}), or its contract with the hoster, has run "
        "out or is suspended, and renew it: registrars and hosters park such domains"
    )
    switched_off = [
        f"{each.label} still has the zone, and names these servers for it: ask the hoster why they serve it "
        "no longer (a bill, an address that nobody has confirmed)"
        for each in accounts
        if each.zone == zone and each.copy.hosts & {*hosts}
    ]
    return (renew, *switched_off, f"if not, have {zone} delegated to the name servers that have it")
