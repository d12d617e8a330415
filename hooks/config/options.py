"""The options of a provider or a target: what variables or the TOML file say for each, and its secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ...errors import ConfigError
from ...options import Option, at
from ...secret import hide, hide_setting, looks_secret, read_secret
from ...trusted_file import read_trusted
from .secret_mistakes import check_secret, check_secret_file

PLACES = {"file": "a path", "env": "a variable's name", "credential": "a credential's name"}


def complete(
    whose: str, known: Sequence[Option], given: Mapping[str, str], state: str, remedy: str
) -> dict[str, str]:
    """The options with their defaults; the secrets among them are hidden.

    ``whose``: for messages. Raises ConfigError for a required one that is not given.
    """
    options = {}
    for option in known:
        key, variable = option.key, (*option.env, "")[0]
        if value := given.get(key) or option.default.replace("{state}", state):
            options[key] = value
            if option.secret:
                hide(value)
        elif option.required:
            called = f"{key} ({variable})" if variable else key
            raise ConfigError(
                f"{whose} lacks {called}: {option.help}", remedy.format(key=key, variable=variable)
            )
    secret_tables = tuple(f"{option.key}." for option in known if option.table and option.secret)
    for key in given.keys() - {option.key for option in known}:  # entries of a table
        options[key] = given[key]
        if key.startswith(secret_tables):
            hide_setting(key, given[key])
    return options


def from_variables(option: Option, environ: Mapping[str, str]) -> str:
    """What one of the option's variables says, or the file that VARIABLE_FILE names; else ""."""
    for variable in option.env:
        if value := environ.get(variable):
            # Nothing else is quoted, either, nor ends as a file with the line ends of Windows does.
            if option.secret or value[0] in "\"'" or value.endswith("\r"):
                with at(variable):
                    otherwise = f"set {variable}_FILE to the path of a file that holds it"
                    check_secret(value, variable, otherwise, in_table=option.table)
            return value
        if path := environ.get(f"{variable}_FILE"):
            with at(f"{variable}_FILE"):
                return _from_file(path, option)
    return ""


def entries_from_variables(
    option: Option, environ: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The entries of a table that variables say; ``given``: what the other options say."""
    upper = {key: value.upper() for key, value in given.items()}
    prefix = option.env[0].removesuffix("*").format_map(upper)
    found = (variable.removeprefix(prefix) for variable in environ if variable.startswith(prefix))
    names = sorted({name.removesuffix("_FILE") for name in found} - {""})
    entries = {name: from_variables(option._replace(env=(prefix + name,)), environ) for name in names}
    return {f"{option.key}.{name}": value for name, value in entries.items() if value}


def from_toml(value: object, option: Option, environ: Mapping[str, str], folder: str) -> str:
    """What the file says for the option: itself, or where it stands. Relative paths start at
    ``folder``."""
    match value:
        case str():
            if option.secret:
                otherwise = 'write { file = "/path" }, the path of a file that holds it'
                check_secret(value, option.key, otherwise, in_table=option.table)
            return value
        case int() if not isinstance(value, bool):
            return str(value)
        case {"file": str(path), **rest} if not rest:
            full = os.path.join(folder, path)
            _check_place("file", path, exists=os.path.lexists(full))
            return _from_file(full, option)
        case {"env": str(variable), **rest} if not rest:
            if content := environ.get(variable):
                return content
            _check_place("env", variable, exists=variable in environ)
            raise ConfigError(f"the variable {variable} is not set", f"export {variable}=…")
        case {"credential": str(name), **rest} if not rest:
            credentials = environ.get("CREDENTIALS_DIRECTORY")
            full = os.path.join(credentials or "", name)
            _check_place("credential", name, exists=bool(credentials) and os.path.lexists(full))
            if credentials:
                return _from_file(full, option)
            raise ConfigError(
                "systemd gives this process no credentials",
                f"write LoadCredential={name}:/path into its unit, or use {{ file = … }} here",
            )
    raise ConfigError(
        "it is neither a string nor the place of one",
        'write "…", { file = "…" }, { env = "…" } or { credential = "…" }',
    )


def _check_place(kind: str, place: str, *, exists: bool) -> None:
    """Raises ConfigError where a secret itself is given as the place of one; it is hidden from then on."""
    if not exists and looks_secret(place):
        hide(place)
        raise ConfigError(
            f"{kind} = … wants {PLACES[kind]}, and something else is given"
            " (not shown: it looks like the secret itself)",
            'put it into a file of mode 0600, and write { file = "/path/of/it" }',
        )


def _from_file(path: str, option: Option) -> str:
    if option.secret:
        secret = read_secret(path, f"it has to hold {option.help}, and nothing else")
        if not option.table:
            check_secret_file(secret, path)
        return secret
    try:
        content, _ = read_trusted(path)
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", f"it has to hold {option.help}"
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text (UTF-8)", f"it has to hold {option.help}") from None
