"""What a walk down the DNS finds: servers, zone cuts, where a record goes, and why the walk may end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...errors import DelegationError
from .address import Address

CNAME_LIMIT = 10  # CNAMEs: resolvers follow 10 or 11, and give up on 12
PORT_53_HINT = (
    "open port 53 to the world, name other resolvers in DNS01_RESOLVERS, or name the zone's own servers "
    "in DNS01_NAMESERVERS"
)


class Server(NamedTuple):
    """A name server by its NS name, with every address that this machine has a route to."""

    name: str
    addresses: tuple[Address, ...]


class Destination(NamedTuple):
    """Where the TXT record of a challenge goes, and who answers for it."""

    name: str  # the owner name that the CA will ask for
    target: str  # the owner name of the record: the last CNAME's target
    zone: str  # the apex of the zone that holds it
    servers: tuple[Server, ...]
    chain: tuple[str, ...] = ()  # name, every CNAME's target, up to the target
    wildcard: str = ""  # the target of a wildcard CNAME, which the record itself will override
    trouble: str = ""  # why the zone's own servers could not confirm any of this
    intercepted: bool = False  # whether all that was heard in their place were resolvers
    private: bool = False  # whether servers that the configuration names said so, and not the public DNS
    guessed: bool = False  # whether nobody could be asked, and the name is taken for what it is


class ZoneCut(NamedTuple):
    """A zone as its parent's referral describes it. ``hosts`` are NS names."""

    apex: str
    hosts: tuple[str, ...]
    glue: dict[str, tuple[Address, ...]]
    named: bool = False  # whether its servers are those that the configuration names


class PortBarred(DelegationError):
    """No name server at all can be asked from here; ``barrier`` says why, of port 53."""

    def __init__(self, barrier: str, words: str) -> None:
        super().__init__(
            f"no name server can be asked from here: on port 53, {barrier} ({words})", PORT_53_HINT
        )
        self.barrier = barrier


class ChainError(DelegationError):
    """A loop of CNAMEs, or more of them than a CA follows; ``chain``: as far as they were followed."""

    def __init__(self, message: str, hint: str, chain: Sequence[str]) -> None:
        super().__init__(message, hint)
        self.chain = tuple(chain)
