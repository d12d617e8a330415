"""How broken DNSSEC is mended: sign again, or have a server fetch what the others have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import dns.rdatatype

from .faults import retransfer
from .server_answers import Look
from .survey import Survey


def sign_again(apex: str) -> tuple[str, ...]:
    """To sign the zone again, and to see why its signer has not."""
    return (
        f"sign {apex} again: rndc sign {apex} (BIND), knotc zone-sign {apex} (Knot), "
        f"pdnsutil rectify-zone {apex} (PowerDNS), or the provider's support",
        "see in the signer's log why it has not done so itself, and that each server fetches the result",
    )


def as_the_others(survey: Survey, looks: Sequence[Look], reason: str) -> tuple[str, ...]:
    """The remedy for servers whose DNSSEC is broken where that of others is not: one without any signatures
    may have them, and not give them; one with other keys signs for itself."""
    apex = survey.apex
    hosts = ", ".join(dict.fromkeys(look.host for look in looks))
    here, elsewhere = _keys_of(looks), _keys_of(look for look in survey.looks if look not in looks)
    if here and elsewhere and not here & elsewhere:
        return (
            f"{hosts} signs {apex} with keys of its own: have it fetch the zone as the others sign it "
            f"instead: {retransfer(apex)}",
            "or, if several are to sign, have each of them publish the keys of all (RFC 8901 §2.1)",
        )
    nothing = "no signature" in reason or "neither NSEC nor NSEC3" in reason
    silent = (
        f"see whether {hosts} gives signatures at all: dig +dnssec +norec SOA {apex} @{looks[0].address.ip}; "
        "if not, its software is too old for DNSSEC, or a load balancer before it drops them"
    )
    return (
        *([silent] if nothing else []),
        f"have {hosts} fetch the zone anew, since the others have it right: {retransfer(apex)}",
        f"see in the log of {hosts} why the transfer fails",
    )


def _keys_of(looks: Iterable[Look]) -> set[object]:
    messages = [look.keys.message for look in looks if look.authority and look.keys.message]
    rrsets = [rrset for message in messages for rrset in message.answer]
    return {key for rrset in rrsets if rrset.rdtype == dns.rdatatype.DNSKEY for key in rrset}
