"""All clients that init knows, by their names."""

from __future__ import annotations

from . import Client, is_installed
from .certbot import CERTBOT
from .dehydrated import DEHYDRATED
from .lego import LEGO, TRAEFIK
from .uacme import UACME

CLIENTS = {client.name: client for client in (DEHYDRATED, CERTBOT, LEGO, TRAEFIK, UACME)}


def installed() -> list[Client]:
    """The clients whose program is on this machine."""
    return list(filter(is_installed, CLIENTS.values()))
