"""The CA that a domain's certificates come from, as far as this machine's files tell."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial

from ......errors import ConfigError, HookError
from ......names import is_within
from ......threads import in_background
from .....caa.issuers import (
    AcmeAccount,
    Issuer,
    host_of,
    is_public,
    issuer_of,
    issuers,
    of_certbot,
    of_dehydrated,
)
from .....clients.setup import dehydrated_config
from .....issue.section import load_ca
from .....state.folder import state_dir
from ...finding import Examined
from ..clients.certbot import lineage as certbot_lineage
from .address_scope import scope_of

LOOKUP = 2.0  # seconds for the address of the CA
# RFC 6761, RFC 6762, RFC 8375, and what ICANN has set aside or never delegated
PRIVATE_TLDS = ("internal", "home.arpa", "local", "localhost", "lan", "corp", "home", "intranet", "test")


def order_of(examined: Examined) -> AcmeAccount:
    """What the client that is set up for the domain says: certbot's renewal file, or dehydrated."""
    for _, lineage in certbot_lineage.lineages(examined):
        return of_certbot(lineage, examined.root)
    config = dehydrated_config.read_config(examined.environ, examined.root)
    if config and any(
        examined.domain in names for names in dehydrated_config.certificates(config, examined.root)
    ):
        return of_dehydrated(config, root=examined.root)
    return AcmeAccount()


def own_account(examined: Examined, ca: Issuer) -> str:
    """The URI of the account that ``dns01 issue`` has at this CA; empty where there is none, or it is not for
    this user to read."""
    from .....issue.acme.account import account_url  # which loads what speaks ACME

    with suppress(HookError):
        section = load_ca(examined.environ)
        if issuers(section.directory) == ca.names:
            return account_url(section, state_dir(examined.environ))
    return ""


def is_of_the_world(examined: Examined) -> bool:
    """Whether it is one of the public CAs that are known by name."""
    return is_public(issuer_of(examined.settings.ca, "", order_of(examined)))


def is_of_ones_own(examined: Examined) -> bool:
    """Whether the CA is in this machine's network, and asks name servers at private addresses as well: it has
    a root of its own (``ca_file``), or a private name or address."""
    section = None
    with suppress(ConfigError):  # which the configuration's check says
        section = load_ca(examined.environ)
    order = order_of(examined)
    if is_public(issuer_of(examined.settings.ca, "", order)):
        return False
    theirs = section.directory if section else ""
    directory = order.directory or examined.settings.ca or theirs
    if section and section.ca_file and directory == theirs:
        return True
    host = host_of(directory) if "://" in directory else directory
    return bool(host) and (_is_private_name(examined, host) or _is_at_a_private_address(host))


def _is_private_name(examined: Examined, host: str) -> bool:
    if "." not in host and ":" not in host:
        return True
    return bool(examined.settings.nameservers_for(host)) or any(is_within(host, tld) for tld in PRIVATE_TLDS)


def _is_at_a_private_address(host: str) -> bool:
    """Of a name, as this machine's own resolver has it: that is whom the client asks."""
    try:
        found = in_background(partial(socket.getaddrinfo, host, None)).result(LOOKUP)
    except (OSError, UnicodeError, TimeoutError):
        return False
    scopes = {scope_of(str(each[4][0]).partition("%")[0]) for each in found}
    return bool(scopes) and not scopes & {"public", "documentation"}
