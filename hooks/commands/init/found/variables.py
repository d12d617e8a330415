"""Accounts in variables: of the environment, of lego's and Traefik's files, of dehydrated's configuration,
and those that acme.sh has saved."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from glob import escape

from .....errors import ConfigError
from .....providers import known_as, load, names
from ....clients.setup import acme_sh
from ....clients.setup.dehydrated_config import read_config
from ....config.options import entries_from_variables, from_variables
from . import Found, files, text_of

ENVIRONMENT = "the environment"
LEGO = (
    "/etc/lego/*env*", "/etc/lego.env", "/etc/default/lego", "/etc/traefik/*env*", "/etc/default/traefik",
    "~/.lego/*env*", "~/.lego.env",
)  # fmt: skip
NOT_LOOKED_FOR = {"acmesh", "exec", "memory", "standalone"}  # whose variables are nobody's credentials
CREDENTIALS = {"USERNAME", "TOKEN", "PASSWORD", "KEY", "SECRET"}  # as old variables of lexicon end

_SETTING = re.compile(r"^\s*(?:export\s+)?(?:SAVED_)?([A-Za-z]\w*)=(.*?)\s*$", re.MULTILINE)
_ENCODED = re.compile(r"__ACME_BASE64__START_(.*)__ACME_BASE64__END_")
_SCRIPT = re.compile(r"dns_\w+")


def accounts(environ: Mapping[str, str]) -> Iterator[Found]:
    """The accounts in all such places, those of dns01's own configuration first."""
    yield from accounts_in(environ, ENVIRONMENT)
    if config := read_config(environ):
        for path in config.files:
            own = {name: value for name, value in config.settings.items() if config.origins.get(name) == path}
            yield from accounts_in(own, path)
    for path in files(LEGO):
        yield from accounts_of(text_of(path), path)
    for folder in map(escape, acme_sh.folders(environ)):
        for path in files((f"{folder}/{acme_sh.ACCOUNT}", f"{folder}/*/*.conf")):
            found = accounts_of(text_of(path), path)
            yield from (each for each in found if each.provider != "acmesh" or _is_own(each.values["home"]))


def _is_own(folder: str) -> bool:
    """Whether the scripts in it are no other user's, who would have them run by us."""
    return os.stat(folder).st_uid in (0, os.geteuid())


def accounts_of(text: str, path: str) -> Iterator[Found]:
    """The accounts that one file of assignments has; a script of acme.sh's leads to the bridge where there is
    no provider of its own for it."""
    settings = _settings(text)
    found = list(accounts_in(settings, path))
    yield from found
    script = settings.get("Le_Webroot", "")
    saved = [name for name in settings if f"SAVED_{name}=" in text]
    if not found and saved and _SCRIPT.fullmatch(script) and not known_as(script):
        values = {"api": script, "home": os.path.dirname(os.path.dirname(path))}
        yield Found("acmesh", {**values, **{f"env.{name}": settings[name] for name in saved}}, path)


def accounts_in(variables: Mapping[str, str], source: str) -> Iterator[Found]:
    """The provider that DNS01_PROVIDER names, or else every one that has a secret of its own there, or all
    that it requires."""
    variables = _with_lexicon(variables)
    chosen = known_as(variables.get("DNS01_PROVIDER", "")) or variables.get("DNS01_PROVIDER", "")
    for name in [chosen] if chosen in names() else names():
        kind = load(name)
        values: dict[str, str] = {}
        with suppress(ConfigError):  # a _FILE that cannot be read: no account to go by
            for option in kind.options:
                if option.table:
                    with suppress(KeyError):  # the option that its variables' names have in them
                        values |= entries_from_variables(option, variables, values)
                elif value := from_variables(option, variables):
                    values[option.key] = value
        required = {option.key for option in kind.options if option.required}
        secret = {option.key for option in kind.options if option.secret}
        wanted = required <= values.keys() if required else not secret.isdisjoint(values)
        if values and (name == chosen or (name not in NOT_LOOKED_FOR and wanted)):
            yield Found(name, values, source, is_ours=name == chosen)


def _with_lexicon(variables: Mapping[str, str]) -> Mapping[str, str]:
    """With what lexicon and its hooks for dehydrated have of their own: PROVIDER, and no AUTH_ in a name."""
    api = variables.get("LEXICON_PROVIDER") or variables.get("PROVIDER", "")
    prefix = f"LEXICON_{api.upper()}_"
    given = {name: value for name, value in variables.items() if api and name.startswith(prefix)}
    if not given:
        return variables
    full = {
        f"{prefix}AUTH_{name.removeprefix(prefix)}": value
        for name, value in given.items()
        if name.removeprefix(prefix) in CREDENTIALS
    }
    kept = {name: value for name, value in variables.items() if name.removeprefix(prefix) not in CREDENTIALS}
    return {**kept, **full, "LEXICON_PROVIDER": api}


def _settings(text: str) -> dict[str, str]:
    return {name: _value(value) for name, value in _SETTING.findall(text)}


def _value(text: str) -> str:
    """Without its quotes, and without acme.sh's base64."""
    value = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    if encoded := _ENCODED.fullmatch(value):
        with suppress(ValueError):
            return base64.b64decode(encoded[1]).decode()
    return value
