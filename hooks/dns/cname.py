"""CNAMEs on the way to a record: how long a chain may be, and whether a wildcard made one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Literal

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

from .delegation import CNAME_LIMIT, ChainError
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


def check_chain(chain: Sequence[str]) -> None:
    """Raises ChainError for a loop, and for more CNAMEs than a CA follows."""
    drawn = " -> ".join(chain)
    if chain[-1] in chain[:-1]:
        raise ChainError(
            f"{chain[0]}: its CNAMEs go round in a circle: {drawn}",
            f"let one CNAME lead to where the record can stand, or remove that of {chain[0]}",
            chain,
        )
    if len(chain) > CNAME_LIMIT + 1:
        raise ChainError(
            f"{chain[0]}: more than {CNAME_LIMIT} CNAMEs in a row: {drawn}",
            "let the first one point to the last one's target; CAs give up on long chains",
            chain,
        )
