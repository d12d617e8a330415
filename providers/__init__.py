"""The DNS providers: ``providers/<name>.py`` is the registry, ``load(name)`` the way in."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, cast

from ..errors import ConfigError

if TYPE_CHECKING:
    from .base import Provider

NOT_PROVIDERS = {"base", "rest"}


def names() -> list[str]:
    """The built-in providers, as ``DNS01_PROVIDER`` and ``provider = …`` call them."""
    modules = (
        entry.removesuffix(".py") for entry in os.listdir(os.path.dirname(__file__)) if entry.endswith(".py")
    )
    return sorted(module for module in modules if not module.startswith("_") and module not in NOT_PROVIDERS)


def load(name: str) -> type[Provider]:
    """The class of the provider called ``name``: a module of this package, or else a third
    party's entry point (looked at last, since reading entry points costs 30 ms).

    Raises ConfigError, which names the nearest ones.
    """
    module = name.replace("-", "").lower()
    if module in names():
        return cast("type[Provider]", importlib.import_module(f"{__name__}.{module}").Provider)
    from importlib.metadata import entry_points

    for entry in entry_points(group="dns01.providers", name=name):
        return cast("type[Provider]", entry.load())
    from difflib import get_close_matches

    near = get_close_matches(module, names(), cutoff=0.5)
    guess = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ConfigError(
        f"there is no provider called {name!r}{guess}", f"the providers are: {', '.join(names())}"
    )
