"""The words of a walk down the DNS: name server, zone cut, and the destination, where a record goes.

Nothing is asked here: ``zone_cuts`` walks down the delegations, ``cname_chain`` follows the CNAMEs.
"""

from typing import Literal, NamedTuple

from ...errors import DelegationError
from .address import Address

PORT_53_HINT = (
    "open port 53 to the world, name other resolvers in DNS01_RESOLVERS, or name the zone's own servers, "
    "as nameservers of the zone in the file, or in DNS01_NAMESERVERS where there is no file"
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


def not_delegated(name: str, parent: str) -> str:
    """What is said of a name whose zone ``parent`` (empty: the root) does not delegate."""
    return f"{name} is not in the DNS: {parent or 'the root'} does not delegate it"


class ZoneCut(NamedTuple):
    """A zone as its parent's referral describes it. ``hosts`` are NS names."""

    apex: str
    hosts: tuple[str, ...]
    glue: dict[str, tuple[Address, ...]]
    named: bool = False  # whether its servers are those that the configuration names


Barrier = Literal["nothing answers", "only resolvers answer", "something intercepts it"]


class NoRoot(DelegationError):
    """No resolver tells where the root's name servers are, and some answer something else."""


class PortBarred(DelegationError):
    """No name server at all can be asked from here; ``barrier`` says why, of port 53."""

    def __init__(self, barrier: Barrier, words: str) -> None:
        super().__init__(
            f"no name server can be asked from here: on port 53, {barrier} ({words})", PORT_53_HINT
        )
        self.barrier: Barrier = barrier
