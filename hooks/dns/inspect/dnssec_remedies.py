"""How broken DNSSEC is mended: sign again, or have a server fetch what the others have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import dns.rdatatype
from dns.rdatatype import RdataType

from .denial import NO_DENIAL
from .faults import retransfer
from .server_answers import ServerAnswers
from .zone_survey import ZoneSurvey


def sign_again(apex: str) -> tuple[str, ...]:
    """To sign the zone again, and to see why its signer has not."""
    return (
        f"sign {apex} again: rndc sign {apex} (BIND), knotc zone-sign {apex} (Knot), "
        f"pdnsutil rectify-zone {apex} (PowerDNS), or the provider's support",
        "see in the signer's log why it has not done so itself, and that each server fetches the result",
    )


def stripped(apex: str, servers: Sequence[ServerAnswers], name: str, rdtype: RdataType) -> tuple[str, ...]:
    """The remedy where no server's answer to a question has NSEC or NSEC3: to sign again mends nothing
    where they are lost on their way."""
    hosts = ", ".join(dict.fromkeys(server.host for server in servers))
    ask = f"dig +dnssec +norec {dns.rdatatype.to_text(rdtype)} {name} @localhost"
    return (
        f"compare, on {hosts} itself: {ask}; if that shows NSEC or NSEC3, a load balancer, a DNS proxy or a "
        "firewall before it strips them: have that let them pass; the zone is signed well",
        *sign_again(apex),
    )


def as_the_others(survey: ZoneSurvey, servers: Sequence[ServerAnswers], reason: str) -> tuple[str, ...]:
    """The remedy for servers whose DNSSEC is broken where that of others is not."""
    others = [server for server in survey.answers if server not in servers]
    return as_elsewhere(survey.apex, servers, reason, others, "the others have")


def as_elsewhere(
    apex: str, servers: Sequence[ServerAnswers], reason: str, others: Iterable[ServerAnswers], who: str
) -> tuple[str, ...]:
    """The remedy where others (``who`` they are, with the verb) have it right: a server without any
    signatures may have them, and not give them; one with other keys signs for itself."""
    hosts = ", ".join(dict.fromkeys(server.host for server in servers))
    here, elsewhere = _keys_of(servers), _keys_of(others)
    if here and elsewhere and not here & elsewhere:
        return (
            f"{hosts} signs {apex} with keys of its own: have it fetch the zone as {who} signed it "
            f"instead: {retransfer(apex)}",
            "or, if several are to sign, have each of them publish the keys of all (RFC 8901 §2.1)",
        )
    return (
        *_not_given(apex, hosts, servers[0], reason),
        f"have {hosts} fetch the zone anew, since {who} it right: {retransfer(apex)}",
        f"see in the log of {hosts} why the transfer fails",
    )


def _not_given(apex: str, hosts: str, server: ServerAnswers, reason: str) -> Iterator[str]:
    """What to see to first where signatures, or proofs, are missing altogether."""
    address = server.address.ip
    if "no signature" in reason:
        yield (
            f"see whether {hosts} gives signatures at all: dig +dnssec +norec SOA {apex} @{address}; "
            "if not, DNSSEC is off there (PowerDNS: gsqlite3-dnssec=yes, gmysql-dnssec=yes or the like in "
            "pdns.conf), its software is too old for it, or a load balancer before it drops them"
        )
    elif NO_DENIAL in reason:
        yield (
            f'see whether {hosts} proves any "no": dig +dnssec +norec TXT dns01-doctor.{apex} @{address} '
            "shows NSEC or NSEC3; if not, DNSSEC is off there (PowerDNS as a secondary: "
            f"pdnsutil set-presigned {apex}), its software is too old for it, or a load balancer drops them"
        )


def _keys_of(servers: Iterable[ServerAnswers]) -> set[object]:
    messages = [server.keys.message for server in servers if server.authority and server.keys.message]
    rrsets = [rrset for message in messages for rrset in message.answer]
    return {key for rrset in rrsets if rrset.rdtype == dns.rdatatype.DNSKEY for key in rrset}
