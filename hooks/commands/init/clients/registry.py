"""All clients that init knows, by their names."""

from __future__ import annotations

from .....errors import ConfigError
from ..options import one_of
from . import ClientSetup, is_installed
from .certbot import CERTBOT
from .dehydrated import DEHYDRATED
from .lego import LEGO, TRAEFIK
from .uacme import UACME

NO_HOOK = (
    "leave acme.sh as it is, or choose a client that calls hooks, dehydrated for example: it orders a "
    "certificate of its own, with the credentials that acme.sh has saved (docs/guides/migrating.rst)"
)
CLIENTS = {client.name: client for client in (DEHYDRATED, CERTBOT, LEGO, TRAEFIK, UACME)}


def installed() -> list[ClientSetup]:
    """The clients whose program is on this machine."""
    return list(filter(is_installed, CLIENTS.values()))


def called(answer: str) -> str:
    """The name of the client that is meant. Raises ConfigError, which says what is left to somebody who has
    none of them."""
    if answer.strip().lower().startswith("acme"):
        raise ConfigError("acme.sh calls no hook for its challenges", NO_HOOK)
    try:
        return one_of(answer, list(CLIENTS))
    except ConfigError as error:
        without = "without any of them: `dns01 issue`, which orders by itself (docs/issue.rst)"
        raise ConfigError(str(error), f"{error.hint}; {without}") from None
