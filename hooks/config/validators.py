"""What one value of the configuration may be. All of these raise ConfigError."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Literal, TypeVar, cast, get_args

from ...errors import ConfigError
from ...names import LONGEST_LABEL, LONGEST_NAME, canonical
from ...options import at, text
from ..dns.address import Address

T = TypeVar("T")
D = TypeVar("D")

Readiness = Literal["authoritative", "public", "strict", "resolvers"]
CnameRule = Literal["follow", "ignore"]

ZONE_LABEL = re.compile(rf"[a-z0-9_-]{{1,{LONGEST_LABEL}}}")

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


def number(value: str) -> float | str:
    """What a variable says, as a file would have it; what is no number stays text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def term(key: str, value: object) -> float:
    """The value for a key of TERMS."""
    kind, least, most = TERMS[key]
    if isinstance(value, (int, kind)) and not isinstance(value, bool) and least <= value <= most:
        return value
    what = "a whole number" if kind is int else "a number"
    raise ConfigError(
        f"{value!r} is not {what} from {least:g} to {most:.0f}",
        _as_number(key, value) or "times are in seconds; without it, the provider's own holds",
    )


def _as_number(key: str, value: object) -> str:
    """How a text would be written as a number; empty where it holds none."""
    units = r"(|s|secs?|seconds?|m|mins?|minutes?|h|hours?)"
    match = re.fullmatch(rf"\s*(\d+(?:\.\d+)?)\s*{units}\s*", str(value), re.I)
    if not isinstance(value, str) or not match:
        return ""
    number = float(match[1]) * {"m": 60, "h": 3600}.get(match[2][:1].lower(), 1)
    seconds = " of seconds" if match[2] else ""
    return f"write it as a number{seconds}, without quotes: {key} = {number:g}"


def readiness(value: object) -> Readiness:
    """A value of ``readiness``."""
    if value in get_args(Readiness):
        return cast(Readiness, value)
    raise ConfigError(f"{value!r} is no readiness", f"it is one of: {', '.join(get_args(Readiness))}")


def cname_rule(value: object) -> CnameRule:
    """A value of ``cname``."""
    if value in get_args(CnameRule):
        return cast(CnameRule, value)
    raise ConfigError(
        f"{value!r} is no rule for CNAMEs",
        "follow (also those that a wildcard makes) or ignore (publish at the name itself)",
    )


def listed(value: str) -> tuple[Address, ...]:
    """The addresses that a variable says, separated by commas."""
    return addresses(value.split(","))


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
    entered = str(entry).strip()
    match = _ADDRESS.fullmatch(entered)
    host, port = (match[1], int(match[2])) if match else (entered, 53)
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


def account_names(value: object) -> tuple[str, ...]:
    """One account, or a list of those that serve a zone side by side."""
    if not isinstance(value, list):
        return (text(value),)
    if not value:
        raise ConfigError("the list has no account in it", 'write account = "NAME", or ["NAME", "OTHER"]')
    for name, count in Counter(map(text, value)).items():
        if count > 1:
            raise ConfigError(f"the account {name!r} stands there {count} times", "write each account once")
    return tuple(value)


def apex(name: str) -> str:
    """A zone's name as the DNS compares it."""
    if name.startswith("*."):
        raise ConfigError("a zone has no *", f"{name[2:]} stands for all that is beneath it as well")
    normalised = canonical(name)
    labels = normalised.split(".")
    if not all(labels):
        raise ConfigError("the name of a zone has no empty label", "take out the superfluous dot")
    if len(normalised) > LONGEST_NAME or not all(map(ZONE_LABEL.fullmatch, labels)):
        raise ConfigError(
            "no zone has such a name: letters, digits, - and _, 63 at most between two dots",
            'write the name alone: [zone."example.org"]',
        )
    return normalised


def value_of(table: Mapping[str, Any], key: str, read: Callable[[Any], T], default: D) -> T | D:
    """What the table says for the key; an empty string says nothing."""
    if table.get(key, "") == "":
        return default
    with at(key):
        return read(table[key])


def overrides(table: Mapping[str, Any], called: Callable[[str], str] = str) -> dict[str, Any]:
    """What the table says of TERMS; ``called``: what a term's key is there."""
    found = {key: value_of(table, called(key), partial(term, key), None) for key in TERMS}
    return {key: value for key, value in found.items() if value is not None}
