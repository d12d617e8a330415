"""A target of ``deploy_cert``: where a certificate is brought to, and the promises it makes.

A target is a module of this folder with a class ``Target``; the module's name is what ``to`` says
in the configuration. It gets its options as strings, as providers get theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from ....options import Option

if TYPE_CHECKING:  # with it comes cryptography, which the reading of the configuration can do without
    from ..certificate import Facts


class Bundle(NamedTuple):
    """A certificate that has been checked, and what belongs to it, as PEM.

    ``name``: what the client calls it. ``ocsp``: the path of a response for it, where there is one.
    """

    name: str
    facts: Facts
    key: bytes
    cert: bytes
    chain: bytes
    fullchain: bytes
    csr: bytes = b""
    ocsp: str = ""


class Target(Protocol):
    """One place that a certificate is brought to.

    All of these raise DeployError, which names the target's thing (file, secret, service) and the
    next step. ``undo`` may be called by a later process than ``install`` was: what it needs is
    where the target keeps things, not in this object.
    """

    options: ClassVar[Sequence[Option]]

    def __init__(self, options: Mapping[str, str]) -> None: ...

    def check(self, bundle: Bundle) -> None:
        """Refuse what this target does not take (a type of key, a size), before anything is touched."""

    def changes(self, bundle: Bundle) -> Sequence[str]:
        """What ``install`` would change, a line for each thing; empty: it is all there already."""

    def install(self, bundle: Bundle) -> None:
        """Bring it there, whole; a kill at any instant leaves the old or the new."""

    # optional: places(options) gives what it writes to, with the {name} of the configuration still in it;
    # a static method, since two targets that have one in common would overwrite each other

    # optional, both or the first alone:
    # undo(bundle) brings back what was there before install; where that has been called several times,
    # before the first since settle(bundle), which says that the service shows what is there now
