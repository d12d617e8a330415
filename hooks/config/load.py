"""Environment and TOML file to Settings: which account serves which zone, and on what terms.

One account needs no file: DNS01_PROVIDER and the provider's own variables. Several have a section
each in $DNS01_CONFIG, or else in /etc/dns01/config.toml. An error names the file or the variable,
the section and the key, and says what would be right.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import ConfigError
from ...options import at
from ...output import warning
from ...providers import load as load_provider
from ...providers.base import HasWarnings, Provider
from ...providers.records import ZoneProvider
from ..state.pending_work import CONFIGURATION
from .environment import OF_ACCOUNTS, account_of_variables, for_all
from .settings import Account, Settings

if TYPE_CHECKING:
    from .toml import TomlFile

DEFAULT_FILE = CONFIGURATION


def load_settings(environ: Mapping[str, str], default: str = DEFAULT_FILE) -> Settings:
    """Read what is configured; every secret in it is hidden from then on. Raises ConfigError.

    Where there is a file, and DNS01_PROVIDER as well (or another variable that stands for a key of
    an account or a zone), neither wins: a guess could publish with credentials that nobody meant,
    and a setting that is silently ignored is the hardest to find. A file with nothing but [deploy]
    and [notify] goes together with the variables of an account. An empty DNS01_CONFIG leaves
    /etc/dns01/config.toml aside. DNS01_RESOLVERS, DNS01_DOH, DNS01_READINESS, DNS01_CA and
    DNS01_CA_ACCOUNT go before the file's own.
    """
    file = configuration_file(environ, default)
    if file is None or (file.without_account and environ.get("DNS01_PROVIDER")):
        return account_of_variables(environ, default)
    if rivals := [variable for variable in OF_ACCOUNTS if environ.get(variable)]:
        raise ConfigError(
            f"there are both {' and '.join(rivals)} and the file {file.path}: either could be meant",
            f"unset {' '.join(rivals)}, and write what is meant into the file; or export DNS01_CONFIG="
            " (empty) to leave the file aside",
        )
    with at(file.path):
        return file.settings()


def configuration_file(environ: Mapping[str, str], default: str = DEFAULT_FILE) -> TomlFile | None:
    """The file, for whoever reads a section of it that is their own; None where there is none.

    Raises ConfigError if it cannot be read.
    """
    path = environ["DNS01_CONFIG"] if "DNS01_CONFIG" in environ else _if_there(default, environ)
    if not path:
        return None
    from .toml import TomlFile  # with it comes tomllib, which variables can do without

    with at(path):
        return TomlFile(path, environ)


def _if_there(default: str, environ: Mapping[str, str]) -> str:
    try:
        os.stat(default)
    except PermissionError as error:
        if environ.get("DNS01_PROVIDER"):  # whoever may not see the file means the variables
            return ""
        raise ConfigError(
            f"{os.path.dirname(default)} cannot be read: {error.strerror}",
            "run it as the user who runs the client (sudo)",
        ) from None
    except OSError:
        return ""
    return default


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
