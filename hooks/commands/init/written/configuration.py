"""dns01's own configuration file: what is in it, and as it is to be with one more account."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .....errors import ConfigError
from .....names import is_within
from .....options import at
from .....providers import load
from ....config.load import DEFAULT_FILE
from ....config.settings import Settings
from ....config.toml import TomlFile
from ...provider_guide import least_ttl
from ..found import Found
from .files import Draft, read
from .lines import in_file, set_key, string

MODE = 0o600
# Seconds; a CA may remember the value of one challenge for as long, and the next one waits for that.
SHORT_TTL = 5


class Chosen(NamedTuple):
    """The account that was given, found or asked for. ``options``: by key, those that are to be written.
    ``secrets``: the keys of secrets among them. ``every``: the options with those that are written already.
    ``found``: where they were found."""

    name: str
    provider: str
    options: Mapping[str, str]
    secrets: frozenset[str]
    every: Mapping[str, str]
    found: Found | None = None


def path() -> str:
    """Where the file is or is to be: $DNS01_CONFIG, else root's, else that of whoever runs this."""
    if named := os.environ.get("DNS01_CONFIG"):
        return os.path.abspath(named)
    if os.geteuid() == 0:
        return DEFAULT_FILE
    above = os.environ.get("XDG_CONFIG_HOME", "")
    above = above if os.path.isabs(above) else os.path.expanduser("~/.config")
    return os.path.join(above, "dns01", "config.toml")


def present(file: str) -> Settings | None:
    """What the file says; None where there is none, or one without an account. Raises ConfigError."""
    if not (read(file) or "").strip():
        return None
    with at(file):
        found = TomlFile(file, os.environ)
        return None if found.without_account else found.settings()


def drafts(
    file: str,
    settings: Settings | None,
    account: Chosen,
    names: Sequence[str],
    *,
    is_sequential: bool = False,
) -> list[Draft]:
    """The files of the account's secrets, and then the one that names them. ``is_sequential``: the client has
    two values at one name validated one after the other. Raises ConfigError."""
    folder = os.path.dirname(file)
    paths = {key: os.path.join(folder, f"{account.name}.{key}") for key in account.secrets}
    secrets = [Draft(paths[key], account.options[key] + "\n", MODE, secret=True) for key in sorted(paths)]
    text = read(file) or ""
    section = ["account", account.name]
    if settings is None or account.name not in settings.accounts:
        text = set_key(text, section, "provider", string(account.provider), file)
        if is_sequential and _share_owners(names) and least_ttl(load(account.provider)) <= SHORT_TTL:
            text = set_key(text, section, "ttl", str(SHORT_TTL), file)
    for key, value in account.options.items():
        text = set_key(text, section, key, in_file(paths[key]) if key in paths else string(value), file)
    for name in _unserved(settings, account, names):
        text = set_key(text, ["zone", name], "account", string(account.name), file)
    return [*secrets, Draft(file, text, MODE)]


def _share_owners(names: Sequence[str]) -> bool:
    return len({name.removeprefix("*.") for name in names}) < len(names)


def _unserved(settings: Settings | None, account: Chosen, names: Sequence[str]) -> list[str]:
    """The names that another account would serve, or none; without those beneath another of them."""
    if settings is None or not set(settings.accounts) - {account.name}:
        return []
    bases = sorted({name.removeprefix("*.") for name in names}, key=len)
    bases = [name for name in bases if not any(name != each and is_within(name, each) for each in bases)]
    return [name for name in bases if account.name not in _serving(settings, name)]


def _serving(settings: Settings, name: str) -> list[str]:
    try:
        return [each.name for each in settings.accounts_for(name)]
    except ConfigError:
        return []
