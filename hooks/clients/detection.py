"""Which ACME client calls, and what it says. Only the standard library is imported here.

Arguments never go through an option parser: tokens and values may start with ``-``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import UsageError
from .call import Call
from .certbot import CERTBOT
from .client import AcmeClient
from .dehydrated import DEHYDRATED
from .lego import LEGO
from .uacme import UACME

CLIENTS = (DEHYDRATED, CERTBOT, LEGO, UACME)


def read(argv: Sequence[str], environ: Mapping[str, str]) -> Call:
    """The call that ``argv`` (without the program's name) and ``environ`` make.

    Raises UsageError for arguments that make no sense; nothing has been done by then.
    """
    if not argv:
        raise UsageError("no phase was given", "ACME clients call this hook with the phase as first argument")
    word, *arguments = argv
    for client in CLIENTS:
        if word in client.words:
            return client.read(word, arguments, environ)
    raise UsageError(f"{word!r} is no phase of any client", "dns01 --help lists what it answers to")


def client_named(name: str) -> AcmeClient | None:
    """The client of that name; None for the API, for people, and for programs that nobody knows."""
    return next((client for client in CLIENTS if client.name == name), None)
