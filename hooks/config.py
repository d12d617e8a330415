"""Environment and TOML file to Settings: which account serves which zone, and on what terms.

One account needs no file: DNS01_PROVIDER and the provider's own variables. Several have a section
each in $DNS01_CONFIG, or else in /etc/dns01/config.toml. An error names the file or the variable,
the section and the key, and says what would be right.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from ..errors import ConfigError
from ..providers import load as load_provider
from ..providers.base import HasWarnings, Provider, ZoneProvider
from .delivery.deployments import Deployment
from .file import File
from .notices.receivers import Receivers
from .say import warning
from .settings import Account, Settings
from .values import at
from .variables import OF_ACCOUNTS, account_of_variables, for_all

DEFAULT_FILE = "/etc/dns01/config.toml"


def load(environ: Mapping[str, str]) -> Settings:
    """Read what is configured; every secret in it is hidden from then on. Raises ConfigError.

    Where there is a file, and DNS01_PROVIDER as well (or another variable that stands for a key of
    an account or a zone), neither wins: a guess could publish with credentials that nobody meant,
    and a setting that is silently ignored is the hardest to find. A file with nothing but [deploy]
    and [notify] goes together with the variables of an account. An empty DNS01_CONFIG leaves
    /etc/dns01/config.toml aside. DNS01_RESOLVERS, DNS01_DOH, DNS01_READINESS, DNS01_CA and
    DNS01_CA_ACCOUNT go before the file's own.
    """
    path = _path(environ)
    if not path:
        return account_of_variables(environ, DEFAULT_FILE)
    with at(path):
        file = File(path, environ)
        if file.without_account and environ.get("DNS01_PROVIDER"):
            return replace(account_of_variables(environ, DEFAULT_FILE), deployments=file.deployments())
    if rivals := [variable for variable in OF_ACCOUNTS if environ.get(variable)]:
        raise ConfigError(
            f"there are both {' and '.join(rivals)} and the file {path}: either could be meant",
            f"unset {' '.join(rivals)}, or export DNS01_CONFIG= (empty) to leave the file aside",
        )
    with at(path):
        return file.settings()


def deployments(environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """The targets of certificates alone: a machine may have them without any account, and a call
    by hand without the variables of one. Raises ConfigError."""
    path = _path(environ)
    if not path:
        return ()
    with at(path):
        return File(path, environ).deployments()


def outline(environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    """The same for whoever may not read their secrets, and brings nothing there. Raises ConfigError."""
    path = _path(environ)
    if not path:
        return ()
    with at(path):
        return File(path, environ).outline()


def receivers(environ: Mapping[str, str]) -> Receivers | None:
    """Who is notified of what; None where nobody is. Raises ConfigError."""
    path = _path(environ)
    if not path:
        return None
    with at(path):
        return File(path, environ).receivers()


def _path(environ: Mapping[str, str]) -> str:
    return environ.get("DNS01_CONFIG", DEFAULT_FILE if os.path.exists(DEFAULT_FILE) else "")


def unconfigured(environ: Mapping[str, str]) -> Settings:
    """The settings of somebody without any account: enough to look at the DNS by.

    Raises ConfigError.
    """
    return for_all(environ)


def open_account(account: Account) -> Provider:
    """The account's provider, with its options; what is dubious about them is said.

    Raises ConfigError.
    """
    with at(f"account {account.name}"):
        provider = load_provider(account.provider)(account.options)
    if isinstance(provider, ZoneProvider):
        provider.account = account.name
    if isinstance(provider, HasWarnings):
        for doubt in provider.warnings:
            warning(f"account {account.name}: {doubt}")
    return provider
