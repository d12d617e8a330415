"""Causes about where the name leads: its CNAME, no delegation, or another zone than the account has."""

from __future__ import annotations

from ...dns.destination import not_delegated
from ...dns.message import alias_of
from .cause import Cause
from .evidence import Evidence


def cname_moved(evidence: Evidence) -> Cause | None:
    """Its CNAMEs lead elsewhere now than when the record was published."""
    name, target = evidence.delegation.name, evidence.delegation.target
    if target in evidence.wanted:
        return None
    return Cause(
        "cname",
        f"CNAMEs lead {name} to {target}, in the zone {evidence.delegation.zone}, and the record is at "
        f"{', '.join(evidence.wanted)}",
        f"mend the CNAME (dig CNAME {name} +trace), or run it again if it is meant to be as it is",
    )


def undelegated(evidence: Evidence) -> Cause | None:
    """The account's zone is not delegated to: no name server above leads there."""
    if (
        "." in evidence.delegation.zone
        or evidence.delegation.zone == evidence.apex
        or evidence.delegation.private
    ):
        return None
    return Cause(
        "undelegated",
        not_delegated(evidence.apex, evidence.delegation.zone),
        "see whether the domain has expired, and which name servers the registrar has for it",
    )


def wrong_zone(evidence: Evidence) -> Cause | None:
    """The DNS has the name in another zone than the one published in."""
    zone = evidence.delegation.zone
    if zone == evidence.apex:
        return None
    servers = ", ".join(server.name for server in evidence.delegation.servers)
    return Cause(
        "wrong-zone",
        f"the record was published in the zone {evidence.apex}, but its name is in {zone}, which the world "
        f"finds at {servers}",
        f'name the account that has {zone} in [zone."{zone}"], or remove the delegation',
    )


def cname_in_the_way(evidence: Evidence) -> Cause | None:
    """A server that lacks the record has a CNAME in its place."""
    for server in evidence.lacking:
        for name in evidence.wanted:
            message = server.texts[name].message
            if message and (target := alias_of(message, name)):
                return Cause(
                    "cname",
                    f"{server} has a CNAME at {name}, to {target}: no TXT record can stand beside it",
                    f"remove that CNAME, or have the account that reaches {target} publish there",
                )
    return None
