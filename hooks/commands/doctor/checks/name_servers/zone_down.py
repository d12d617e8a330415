"""A zone none of whose delegated servers answers for it: what is likely, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import dns.rcode

from ......errors import DelegationError
from ......names import PREFIX
from ......providers.base import is_within
from .....dns.destination import Destination
from .....dns.message import TXT, Query
from .....dns.transports.transport import Transport
from ...finding import Examined, Finding, Severity
from ..subjects.account_copy import account_copies, names
from .addresses import glue_to_change
from .ns_records import is_literal
from .transports import deaf_to_edns, edns_dropped_everywhere

WITHOUT_DNSSEC = 2.0  # seconds for the same question with DNSSEC and without


def zone_down(examined: Examined, delegation: Destination) -> Finding:
    """The domain's own zone, or one that is there for challenges alone."""
    own = is_within(delegation.name.removeprefix(PREFIX), delegation.zone)
    servers = ", ".join(server.name for server in delegation.servers)
    if unasked := _without_ipv6(examined, delegation):
        return unasked
    if own and (glue := _wrong_glue(examined, delegation)):
        return glue
    if deaf := deaf_to_edns(delegation.servers, delegation.zone, examined.discovery.timing):
        return edns_dropped_everywhere(delegation.zone, deaf)
    if servers_answer := _denials_fail(examined, delegation):
        return servers_answer
    kind = "zone" if own else "challenge zone"
    likely, mend = _circle(examined, delegation) or _mending(delegation)
    return Finding(
        "zone-down" if own else "challenge-zone-down",
        Severity.ERROR,
        delegation.zone,
        f"no server of the {kind} {delegation.zone} ({servers}) answers for it ({delegation.trouble}): "
        f"{likely}",
        (*_other_servers(examined, delegation), *mend, *_undoing(delegation)),
    )


def _other_servers(examined: Examined, delegation: Destination) -> Iterator[str]:
    """Those that the account's own copy of the zone names, where the delegation names none of them."""
    for account in account_copies(examined).found:
        hosts = account.copy.hosts
        if account.zone == delegation.zone and not hosts & {server.name for server in delegation.servers}:
            yield (
                f"if {account.label} has the zone as it should be: at the registrar, or in the zone above, "
                f"have it delegated to the name servers that are named there: {names(hosts)}"
            )


def _circle(examined: Examined, delegation: Destination) -> tuple[str, tuple[str, ...]] | None:
    """Where the addresses of the zone's servers can be had from nobody but these servers themselves."""
    zone = delegation.zone
    hosts = [server.name for server in delegation.servers]
    if any(server.addresses for server in delegation.servers) or any(is_within(host, zone) for host in hosts):
        return None
    for host in hosts:
        with suppress(DelegationError):  # that nobody answers for it is the fault
            examined.discovery.cut(host)
        home = examined.discovery.known_cut(examined.discovery.known_zone(host))
        if home.hosts and not home.glue and all(is_within(each, zone) for each in home.hosts):
            inside = home.hosts[0]
            return (
                f"{host} is in {home.apex}, which is delegated to {', '.join(home.hosts)}, in {zone} again, "
                "and no glue leads into this circle",
                (
                    f"delegate {zone} to a host of its own as well, with glue at the registrar: "
                    f"{zone}. NS {inside}. and {inside}. A ADDRESS",
                    f"or delegate {home.apex} to a host of its own, with glue",
                ),
            )
    return None


def _denials_fail(examined: Examined, delegation: Destination) -> Finding | None:
    """Servers that have the zone, and fail where a question with DNSSEC is about what is not there."""
    addresses = [address for server in delegation.servers for address in server.addresses]
    if "SERVFAIL" not in delegation.trouble or not addresses:
        return None
    zone, missing = delegation.zone, f"dns01-doctor.{delegation.zone}"
    asked = [Query(address, missing, TXT, dnssec=dnssec) for address in addresses for dnssec in (True, False)]
    with Transport(examined.discovery.timing) as transport:
        answers = transport.ask(asked, WITHOUT_DNSSEC)
    good = {query.server for query, answer in answers.items() if answer.authoritative and not query.dnssec}
    failing = {
        query.server
        for query, answer in answers.items()
        if query.dnssec and answer.message and answer.message.rcode() == dns.rcode.SERVFAIL
    }
    bad = sorted(good & failing)
    if not bad:
        return None
    return Finding(
        "denials-fail",
        Severity.ERROR,
        zone,
        f"{', '.join(map(str, bad))} has {zone}, and answers SERVFAIL where a question with DNSSEC (flag DO) "
        "is about what is not there: it cannot make the proof (NSEC, NSEC3), and CAs want it",
        (
            f"put its order of names right: pdnsutil rectify-zone {zone} (PowerDNS; api-rectify=yes, or "
            f"pdnsutil set-meta {zone} API-RECTIFY 1, has its API do that), or sign it again: "
            f"rndc sign {zone} (BIND), knotc zone-sign {zone} (Knot)",
            f"see for yourself: dig TXT {missing} +norec +dnssec @{bad[0].ip}, and without +dnssec",
        ),
    )


def _mending(delegation: Destination) -> tuple[str, tuple[str, ...]]:
    """What is likely where no server answers for a zone, and what to do, by what they all say."""
    zone = delegation.zone
    hosts = [server.name for server in delegation.servers]
    said = delegation.trouble.split("; ")
    if not any(server.addresses for server in delegation.servers):
        literal = next(filter(is_literal, hosts), "")
        if literal:
            host = f"ns1.{zone}"
            step = f"write the name of a host into the NS record, and its address: {host}. A {literal}"
            return f"{literal} is an address, and NS takes the name of a host", (step,)
        inside = [host for host in hosts if is_within(host, zone)]
        if inside:
            glue = "; ".join(f"{host}. A ADDRESS" for host in inside)
            step = f"in the zone above {zone} (for a domain, at the registrar) write the glue: {glue}"
            return "the names of its servers are within it, and the zone above has no glue", (step,)
        steps = (
            f"give its servers their addresses: {'; '.join(f'{host}. A ADDRESS' for host in hosts)}",
            f"or, where these hosts are gone, have {zone} delegated to servers that there are",
        )
        return "the names of its servers do not exist, or have no address", steps
    if delegation.intercepted:
        return (
            "resolvers or forwarders stand where name servers should (flags RA, and not AA), while those of "
            "the zones above answer for themselves",
            (
                f"have {', '.join(hosts)} serve {zone} themselves, as primary or secondary, instead of "
                "forwarding or recursing",
                f"or have {zone} delegated to servers that do",
                "if these are name servers, something on the way answers in their place: see from elsewhere, "
                f"dig SOA {zone} +norec @{hosts[0]} should have the flag aa, and not ra",
            ),
        )
    if all("truncated" in word for word in said):
        return "their answers over UDP are truncated, and TCP is closed", (
            f"let TCP port 53 through to {', '.join(hosts)}: dig +tcp SOA {zone} +norec @{hosts[0]}",
        )
    if all("SERVFAIL" in word for word in said):
        return "its copies have expired, or do not load", (
            f"mend the zone transfer to {', '.join(hosts)}: a copy has expired or never came; their logs say "
            f"why, then: rndc retransfer {zone} (BIND), knotc zone-retransfer {zone} (Knot)",
            f"at the primary, check the zone's file: named-checkzone {zone} FILE",
        )
    if all("REFUSED" in word or "authority" in word for word in said):
        return "they do not have it, or not for everybody", (
            f"set {zone} up at {', '.join(hosts)}, and let everybody ask (BIND: allow-query {{ any; }})",
            f"or, if it has moved, have {zone} delegated to the servers that have it",
        )
    return "the record could not be seen", (
        f"see that {', '.join(hosts)} run and serve {zone}, and let UDP and TCP port 53 through to them",
    )


def _undoing(delegation: Destination) -> Iterator[str]:
    """What need not be there at all: a CNAME, or a delegation beneath the user's own domain."""
    zone, above = delegation.zone, delegation.zone.partition(".")[2]
    if len(delegation.chain) > 1:
        yield f"or remove the CNAME of {delegation.chain[-2]}"
    elif "." in above:
        yield f"or, if {zone} is to be no zone of its own, delete its NS records from the zone above it"


def _without_ipv6(examined: Examined, delegation: Destination) -> Finding | None:
    """Where the servers have addresses of a family alone that this machine does not have."""
    glue = examined.discovery.known_cut(delegation.zone).glue
    known = [address for addresses in glue.values() for address in addresses]
    if any(server.addresses for server in delegation.servers) or not known:
        return None
    if not all(":" in address.ip for address in known):
        return None
    shown = ", ".join(address.ip for address in known)
    return Finding(
        "no-ipv6-here",
        Severity.WARNING,
        delegation.zone,
        f"the name servers of {delegation.zone} have IPv6 addresses alone ({shown}), and this machine has no "
        "IPv6: nothing can be said of them from here",
        ("give this machine IPv6, or look from another one; there may be nothing to mend in the zone",),
    )


def _wrong_glue(examined: Examined, delegation: Destination) -> Finding | None:
    """Where the account's own server knows other addresses than those that do not answer."""
    copies = [copy for copy in account_copies(examined).found if copy.zone == delegation.zone]
    for account, server in product(copies, delegation.servers):
        right = account.apex.addresses.get(server.name, ())
        wrong = [address.ip for address in server.addresses]
        if right and wrong and not set(right) & set(wrong):
            return glue_to_change(delegation.zone, server.name, wrong, "nothing answers for it", account)
    return None
