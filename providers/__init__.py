"""The DNS providers: ``providers/<name>.py`` is the registry, ``load(name)`` the way in."""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import TYPE_CHECKING, cast

from ..errors import ConfigError
from ..secret import shown

if TYPE_CHECKING:
    from .base import Provider

NOT_PROVIDERS = {"base", "records", "rest", "rrsets"}


@cache
def names() -> tuple[str, ...]:
    """The built-in providers, as ``DNS01_PROVIDER`` and ``provider = …`` call them."""
    modules = (
        entry.removesuffix(".py") for entry in os.listdir(os.path.dirname(__file__)) if entry.endswith(".py")
    )
    return tuple(
        sorted(module for module in modules if not module.startswith("_") and module not in NOT_PROVIDERS)
    )


def load(name: str) -> type[Provider]:
    """The class of the provider called ``name``: a module of this package, or else a third
    party's entry point (looked at last, since reading entry points costs 30 ms).

    Raises ConfigError, which names the nearest ones.
    """
    module = name.replace("-", "").lower()
    if module in names():
        return _in_module(module)
    from importlib.metadata import entry_points

    for entry in entry_points(group="dns01.providers", name=name):
        return cast("type[Provider]", entry.load())
    if native := known_as(name):
        return _in_module(native)
    if way := _bridge_to(name):
        raise ConfigError(f"{name!r} is reached by a bridge", way)
    from difflib import get_close_matches

    from ._bridge_catalogue import ALSO_KNOWN_AS

    near = get_close_matches(module, [*names(), *ALSO_KNOWN_AS], cutoff=0.5)
    guess = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ConfigError(
        f"there is no provider called {shown(name)}{guess}", f"the providers are: {', '.join(names())}"
    )


def are_same(one: str, other: str) -> bool:
    """Whether the two names are of one provider. One that is not there (any more) is no other's."""
    try:
        return one == other or load(one) is load(other)
    except ConfigError:
        return False


def known_as(name: str) -> str:
    """The built-in provider that people, lego, dns-lexicon or acme.sh call so; "" if there is none."""
    return next(filter(None, map(_native, _spellings(name))), "")


def _spellings(name: str) -> tuple[str, ...]:
    """The name, without what certbot puts in front of it (certbot-dns-cloudflare), and without what stands
    between its letters (digital_ocean, name.com)."""
    name = name.lower()
    bare = name.removeprefix("certbot-").removeprefix("dns-")
    return name, bare, bare.translate(dict.fromkeys(map(ord, "-_. ")))


def _native(name: str) -> str:
    from ._bridge_catalogue import ALSO_KNOWN_AS, bridged

    if name in ALSO_KNOWN_AS:
        return ALSO_KNOWN_AS[name]
    native = names()
    if (module := name.replace("-", "")) in native:
        return module
    for row in bridged():
        known = [*row.lego, *row.lexicon]
        if name in (*known, *row.acmesh, *(script.removeprefix("dns_") for script in row.acmesh)):
            return next((module for module in native if module in known), "")
    return ""


def _bridge_to(name: str) -> str:
    """What to set for a provider that only a bridge leads to; "" if none does."""
    from ._bridge_catalogue import bridged

    spellings = set(_spellings(name))
    for row in bridged():
        if spellings & {*row.lego, *row.lexicon, *row.acmesh}:
            ways = [f"DNS01_PROVIDER=lexicon and LEXICON_PROVIDER={api}" for api in row.lexicon[:1]]
            ways += [f"DNS01_PROVIDER=acmesh and ACMESH_API={api}" for api in row.acmesh[:1]]
            return f"set {', or '.join(ways)} (`dns01 providers {name}` shows the row)"
    return ""


def _in_module(module: str) -> type[Provider]:
    return cast("type[Provider]", importlib.import_module(f"{__name__}.{module}").Provider)
