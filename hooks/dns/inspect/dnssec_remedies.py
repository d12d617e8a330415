"""How broken DNSSEC is mended: sign again, or have a server fetch what the others have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
    """The remedy for servers whose DNSSEC is broken where that of others is not."""
    others = [look for look in survey.looks if look not in looks]
    return as_elsewhere(survey.apex, looks, reason, others, "the others have")


def as_elsewhere(
    apex: str, looks: Sequence[Look], reason: str, others: Iterable[Look], who: str
) -> tuple[str, ...]:
    """The remedy where others (``who`` they are, with the verb) have it right: a server without any
    signatures may have them, and not give them; one with other keys signs for itself."""
    hosts = ", ".join(dict.fromkeys(look.host for look in looks))
    here, elsewhere = _keys_of(looks), _keys_of(others)
    if here and elsewhere and not here & elsewhere:
        return (
            f"{hosts} signs {apex} with keys of its own: have it fetch the zone as {who} signed it "
            f"instead: {retransfer(apex)}",
            "or, if several are to sign, have each of them publish the keys of all (RFC 8901 §2.1)",
        )
    return (
        *_not_given(apex, hosts, looks[0], reason),
        f"have {hosts} fetch the zone anew, since {who} it right: {retransfer(apex)}",
        f"see in the log of {hosts} why the transfer fails",
    )


def _not_given(apex: str, hosts: str, look: Look, reason: str) -> Iterator[str]:
    """What to see to first where signatures, or proofs, are missing altogether."""
    address = look.address.ip
    if "no signature" in reason:
        yield (
            f"see whether {hosts} gives signatures at all: dig +dnssec +norec SOA {apex} @{address}; "
            "if not, its software is too old for DNSSEC, or a load balancer before it drops them"
        )
    elif "neither NSEC nor NSEC3" in reason:
        yield (
            f'see whether {hosts} proves any "no": dig +dnssec +norec TXT dns01-doctor.{apex} @{address} '
            "shows NSEC or NSEC3; if not, DNSSEC is off there (PowerDNS as a secondary: "
            f"pdnsutil set-presigned {apex}), its software is too old for it, or a load balancer drops them"
        )


def _keys_of(looks: Iterable[Look]) -> set[object]:
    messages = [look.keys.message for look in looks if look.authority and look.keys.message]
    rrsets = [rrset for message in messages for rrset in message.answer]
    return {key for rrset in rrsets if rrset.rdtype == dns.rdatatype.DNSKEY for key in rrset}
