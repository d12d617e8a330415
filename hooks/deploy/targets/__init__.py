"""The kinds of targets: ``hooks/deploy/targets/<kind>.py`` is the registry, ``load(kind)`` the way in."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, cast

from ....options import check_known

if TYPE_CHECKING:
    from .base import Target

NOT_KINDS = {"base"}


def kinds() -> list[str]:
    """The built-in kinds, as ``to = …`` calls them."""
    modules = (
        entry.removesuffix(".py") for entry in os.listdir(os.path.dirname(__file__)) if entry.endswith(".py")
    )
    return sorted(module for module in modules if not module.startswith("_") and module not in NOT_KINDS)


def load(kind: str) -> type[Target]:
    """The class of the targets of that kind: a module of this package, or else a third party's entry point
    (looked at last, since reading entry points costs 30 ms). Raises ConfigError, which names the nearest."""
    if kind not in kinds():
        from importlib.metadata import entry_points

        for entry in entry_points(group="dns01.targets", name=kind):
            return cast("type[Target]", entry.load())
    check_known("kind of target", [kind], kinds())
    return cast("type[Target]", importlib.import_module(f"{__name__}.{kind}").Target)
