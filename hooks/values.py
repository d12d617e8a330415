"""One value of the configuration: where it may stand, and what it may be.

All of these raise ConfigError; ``at`` puts the place in front of its message.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from typing import Literal, cast, get_args

from ..errors import ConfigError, UsageError
from ..providers.base import Option
from ..secret import read_secret
from .challenge import normal
from .question import Address

Readiness = Literal["authoritative", "public", "strict"]

# What an account or a zone may override of a provider's profile, in the units of Profile. No wait
# may be longer than 3,000 s: a pending authorization may live no more than an hour.
TERMS: Mapping[str, tuple[type[float], float, float]] = {
    "ttl": (int, 1, 2**31 - 1),  # RFC 2181 §8
    "timeout": (float, 0, 3000),
    "pace": (float, 0, 1),
    "rounds": (int, 1, 100),
    "patience": (float, 0, 3000),
    "settle": (float, 0, 3000),
}

_HTTPS = re.compile(r"https://[^/\s]+(/\S*)?")
_ADDRESS = re.compile(r"(\[[^\]]+\]|[^:]+):([0-9]{1,5})")


@contextmanager
def at(place: str) -> Iterator[None]:
    """Have an error that comes from within say where it is."""
    try:
        yield
    except (ConfigError, UsageError) as error:
        raise ConfigError(f"{place}: {error}", error.hint) from error.__cause__


def check_known(what: str, words: Iterable[str], known: Sequence[str]) -> None:
    """Refuse the first of the words that is not known, and name the nearest that is."""
    for word in words:
        if word not in known:
            near = get_close_matches(word, known, 1, 0.5)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"unknown {what} {word!r}{guess}", f"those that are known: {', '.join(known)}")


def text(value: object) -> str:
    """A string that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ConfigError(f"{value!r} is not a string with something in it", 'write it as "…"')


def number(said: str) -> float | str:
    """What a variable says, as a file would have it; what is no number stays text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(said)
    return said


def term(key: str, value: object) -> float:
    """The value for a key of TERMS."""
    kind, least, most = TERMS[key]
    if isinstance(value, (int, kind)) and not isinstance(value, bool) and least <= value <= most:
        return value
    what = "a whole number" if kind is int else "a number"
    raise ConfigError(
        f"{value!r} is not {what} from {least:g} to {most:.0f}",
        "times are in seconds; without it, the provider's own holds",
    )


def readiness(value: object) -> Readiness:
    """Whom to believe."""
    if value in get_args(Readiness):
        return cast(Readiness, value)
    raise ConfigError(f"{value!r} is no readiness", f"it is one of: {', '.join(get_args(Readiness))}")


def listed(said: str) -> tuple[Address, ...]:
    """The addresses that a variable says, separated by commas."""
    return addresses(said.split(","))


def addresses(value: object) -> tuple[Address, ...]:
    """A list of addresses, with a port or without."""
    if not isinstance(value, list) or not value:
        raise ConfigError(f"{value!r} is no list of addresses", 'write ["192.0.2.53", "[2001:db8::53]:5353"]')
    return tuple(_address(entry) for entry in value)


def endpoints(value: object) -> tuple[str, ...]:
    """A list of DNS over HTTPS endpoints (RFC 8484); it may be empty."""
    if isinstance(value, list) and all(_HTTPS.fullmatch(str(entry)) for entry in value):
        return tuple(map(str, value))
    raise ConfigError(f"{value!r} is no list of https:// URLs", 'write ["https://192.0.2.53/dns-query"]')


def _address(entry: object) -> Address:
    said = str(entry).strip()
    match = _ADDRESS.fullmatch(said)
    host, port = (match[1], int(match[2])) if match else (said, 53)
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        address = None
    if address is None or not 0 < port < 65536:
        raise ConfigError(
            f"{entry!r} is not an IP address, with a port or without",
            "for example 192.0.2.53, 192.0.2.53:5353, 2001:db8::53 or [2001:db8::53]:5353",
        )
    return Address(str(address), port)


def apex(name: str) -> str:
    """A zone's name as the DNS compares it."""
    if name.startswith("*."):
        raise ConfigError("a zone has no *", f"{name[2:]} stands for all that is beneath it as well")
    normalised = normal(name)
    if not all(normalised.split(".")):
        raise ConfigError("the name of a zone has no empty label", "take out the superfluous dot")
    return normalised


def from_variables(option: Option, environ: Mapping[str, str]) -> str:
    """What one of the option's variables says, or the file that VARIABLE_FILE names; else ""."""
    for variable in option.env:
        if value := environ.get(variable):
            return value
        if path := environ.get(f"{variable}_FILE"):
            with at(f"{variable}_FILE"):
                return _from_file(path, option)
    return ""


def entries_from_variables(
    option: Option, environ: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The entries of a table that variables say; ``given``: what the other options say."""
    said = {key: value.upper() for key, value in given.items()}
    prefix = option.env[0].removesuffix("*").format_map(said)
    found = (variable.removeprefix(prefix) for variable in environ if variable.startswith(prefix))
    names = sorted({name.removesuffix("_FILE") for name in found} - {""})
    entries = {name: from_variables(option._replace(env=(prefix + name,)), environ) for name in names}
    return {f"{option.key}.{name}": value for name, value in entries.items() if value}


def from_toml(value: object, option: Option, environ: Mapping[str, str], folder: str) -> str:
    """What the file says for the option: itself, or where it stands. Relative paths start at
    ``folder``."""
    match value:
        case str():
            return value
        case int() if not isinstance(value, bool):
            return str(value)
        case {"file": str(path), **rest} if not rest:
            return _from_file(os.path.join(folder, path), option)
        case {"env": str(variable), **rest} if not rest:
            if said := environ.get(variable):
                return said
            raise ConfigError(f"the variable {variable} is not set", f"export {variable}=…")
        case {"credential": str(name), **rest} if not rest:
            if credentials := environ.get("CREDENTIALS_DIRECTORY"):
                return _from_file(os.path.join(credentials, name), option)
            raise ConfigError(
                "systemd gives this process no credentials",
                f"write LoadCredential={name}:/path into its unit, or use {{ file = … }} here",
            )
    raise ConfigError(
        "it is neither a string nor the place of one",
        'write "…", { file = "…" }, { env = "…" } or { credential = "…" }',
    )


def _from_file(path: str, option: Option) -> str:
    if option.secret:
        return read_secret(path)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", f"it has to hold {option.help}"
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not text (UTF-8)", f"it has to hold {option.help}") from None
