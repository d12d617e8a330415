"""Whether a wildcard has made the CNAME at a name, and what becomes of CNAMEs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Literal

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

from .message import CNAME, alias_of

# What becomes of CNAMEs: "auto" follows all but a wildcard's, "follow" those as well, "ignore" none.
Rule = Literal["auto", "follow", "ignore"]


def is_from_wildcard(
    response: dns.message.Message, name: str, alias: str, ask: Callable[[str], dns.message.Message]
) -> bool:
    """Whether the CNAME at ``name`` was made from a wildcard.

    Its signature says so (RFC 4034 §3.1.3). Without one, ``ask`` gives responses for names that nobody can
    have chosen: one beside ``name`` that does not get the CNAME proves that it stands at ``name`` alone; one
    beneath it gets it from a wildcard above only where nothing stands at ``name`` itself (RFC 4592 §3.3.1).
    """
    owner = dns.name.from_text(name)
    signature = response.get_rrset(response.answer, owner, dns.rdataclass.IN, dns.rdatatype.RRSIG, CNAME)
    if signature:
        return bool(signature[0].labels < len(owner.labels) - 1)
    _, _, parent = name.partition(".")
    sibling = f"{secrets.token_hex(7)}.{parent}"
    if alias_of(ask(sibling), sibling) != alias:
        return False
    child = f"{secrets.token_hex(1)}.{name}"
    if len(child) > 253:  # there is no room for one
        return True
    return alias_of(ask(child), child) == alias
