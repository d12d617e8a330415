"""What ``dns01 doctor`` looks at: one module per subject, each a ``check`` that yields findings.

A check asks authoritative servers, files and APIs; no resolver hears of a challenge name from it
(docs/readiness.rst, "The trap"). It changes nothing, and raises nothing on purpose: what it meets is a
finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple, Protocol

from ...challenge.placement import Placements
from ...clients.setup.text_files import beneath
from ...clients.setup.users import User
from ...config.settings import Settings
from ...dns.cname_chain import Discovery


class Severity(IntEnum):
    """How bad it is; the figures are the exit codes of ``dns01 doctor``."""

    NOTE = 0  # worth knowing, nothing to mend
    WARNING = 1  # an order goes through today, and may not tomorrow
    ERROR = 2  # an order fails


class Finding(NamedTuple):
    """One thing that is wrong, and how to mend it.

    ``code``: a stable word for programs, as in "caa-forbids". ``subject``: the name, zone, server
    or file that it is about. ``message``: one line. ``remedy``: the steps, in their order, each
    with the command or the record to paste. ``details``: the lines of a report beneath the message.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    remedy: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


class Examined(NamedTuple):
    """What a check has to go by. ``domain`` may start with ``*.``; ``name`` is its challenge name.

    ``root``: the folder that stands for / where files of this machine are read. ``user``: whom the clients
    run as, where that is another one than who asks; the state in ``settings`` is that user's then.
    """

    domain: str
    name: str
    settings: Settings
    places: Placements
    discovery: Discovery
    environ: Mapping[str, str]
    root: str = "/"
    user: User | None = None

    def path(self, path: str) -> str:
        """The path, beneath ``root``."""
        return beneath(path, self.root)


class Check(Protocol):
    """A check: the findings about one domain."""

    def __call__(self, examined: Examined) -> Iterator[Finding]: ...
