"""The contract between the deploy wing and a target: what every target does, and what it may do besides.

A target is a module of this folder with a class ``Target``; the module's name is what ``to`` says
in the configuration. A third party's is an entry point of the group ``dns01.targets``. It gets its
options as strings, as providers get theirs. ``Target`` is what each one has; ``Undo``, ``Commit``,
``Places``, ``Local``, ``NamesAccounts``, ``Blind`` and ``Remote`` are asked for with isinstance. Typing
is structural: a target imports none of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, runtime_checkable

from ....errors import DeployError
from ....options import Option

if TYPE_CHECKING:  # with it comes cryptography, which the reading of the configuration can do without
    from ..certificate.checks import Facts


class CertificateFiles(NamedTuple):
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
    next step.

    Concurrency: of the processes of one machine, one at a time works on a target of the
    configuration, in one thread; two such targets may be worked on at once, and another machine may
    write to the same place at any time.
    """

    options: ClassVar[Sequence[Option]]

    def __init__(self, options: Mapping[str, str]) -> None:
        """Reads the options and connects to nothing. Raises ConfigError."""

    def check(self, bundle: CertificateFiles) -> None:
        """Refuse what this target does not take (a type of key, a size), before anything is touched."""

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        """What ``install`` would change, a line for each thing; empty: it is all there already."""

    def install(self, bundle: CertificateFiles) -> None:
        """Bring it there, whole; a kill at any instant leaves the old or the new."""


@runtime_checkable
class Undo(Protocol):
    """A target that can bring back what it has replaced."""

    def undo(self, bundle: CertificateFiles) -> None:
        """Bring back what was there before ``install(bundle)``; where that has been called several
        times, what was there before the first since ``commit``.

        May be called by a later process than ``install`` was: what it needs is where the target
        keeps things, not in this object. Raises DeployError.
        """


@runtime_checkable
class Commit(Protocol):
    """A target that keeps something for ``undo``."""

    def commit(self, bundle: CertificateFiles) -> None:
        """The service has taken the certificate: there is no way back beyond this. Raises DeployError,
        which is a warning only."""


@runtime_checkable
class Places(Protocol):
    """A class of targets that can say what they write to; two of one place would overwrite each other."""

    @staticmethod
    def places(options: Mapping[str, str]) -> Sequence[str]:
        """Paths, or names of things, with the ``{name}`` of the configuration still in them. ``options``
        may lack secrets, and what else the configuration does not say; nothing is raised for that."""


@runtime_checkable
class Local(Protocol):
    """A class of targets whose files are on this machine, where a look at them costs next to nothing."""

    @staticmethod
    def lost(options: Mapping[str, str], name: str, fingerprint: str) -> Sequence[str]:
        """What of the certificate ``name`` is gone or was replaced since it was brought, a line for each
        file; no key is read. What this user may not look at is taken to be there. As for ``places``,
        nothing is raised."""


@runtime_checkable
class NamesAccounts(Protocol):
    """A target whose options name users and groups of this machine."""

    def check_accounts(self) -> None:
        """Raises ConfigError for one that is not there, which a delivery would be too late to find out."""


@runtime_checkable
class Blind(Protocol):
    """A target whose ``changes`` cannot know what is there: it is taken to have what it was brought last."""

    blind: ClassVar[bool]


@runtime_checkable
class Remote(Protocol):
    """A class of targets on other machines, where the ``test`` and ``reload`` of the section are run, too.

    Those of different machines are worked on side by side, each in a thread of its own.
    """

    @staticmethod
    def machines(options: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
        """The options of each machine that the section is for, by what the machine is called: each is
        delivered to by itself. As for ``places``, nothing is raised."""

    def run(self, command: Sequence[str], variables: Mapping[str, str], limit: float, what: str) -> None:
        """Run the command there, which has to end with 0 within ``limit`` seconds.

        ``variables``: what it is told, as ``command.variables`` has it. ``what``: what it is for, as an
        error begins. Raises DeployError with the last that it said.
        """


class SilentMachine(DeployError):
    """The machine cannot be reached: in this call there is no use in asking it again."""
