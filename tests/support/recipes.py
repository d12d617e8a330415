"""The recipes of docs/deploy.rst, by their titles: what a test takes from there cannot go stale."""

from __future__ import annotations

import re
import textwrap
from typing import NamedTuple

from checkout import ROOT

PAGE = (ROOT / "docs" / "deploy.rst").read_text()


class Recipe(NamedTuple):
    """``section``: what goes into config.toml. ``lines``: what the service's configuration gets."""

    section: str
    lines: str


def _recipes() -> dict[str, Recipe]:
    _, *parts = re.split(r"^(.+)\n-+\n", PAGE, flags=re.MULTILINE)
    return {title: _recipe(part) for title, part in zip(parts[::2], parts[1::2], strict=True)}


def _recipe(part: str) -> Recipe:
    section, *lines = map(textwrap.dedent, re.findall(r"::\n\n((?:    .*\n|\n)+)", part))
    return Recipe(section, "".join(lines))


RECIPES = _recipes()
