#!/usr/bin/env python3
"""Writes what the documentation takes from the code and from the measurements: docs/providers.rst and
docs/performance.svg, and in README.rst, CONTRIBUTING.rst and docs/performance.rst what stands between
``.. from NAME`` and ``.. until here``.

A test compares; ``make docs`` brings them up to date.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent

from dns01.hooks.commands.provider_guide import HEADS, ProviderRow, catalogue, columns, guide, rst
from dns01.providers import load, names

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "bench"))

import report  # noqa: E402

WITH_PASSAGES = ("README.rst", "CONTRIBUTING.rst", "docs/performance.rst")
PASSAGE = re.compile(r"(?<=^\.\. from )(\S+)\n.*?(?=^\.\. until here$)", re.MULTILINE | re.DOTALL)

HEAD = """\
.. Written by docs/update.py from the providers' modules: change those, and run ``make docs``.

DNS providers
=============

.. contents:: {count} providers with a module of their own
   :local:
   :depth: 2

"""

BRIDGES = """\
The list
--------

NAME is what ``DNS01_PROVIDER`` and ``provider = "…"`` in the configuration file call a provider. Where
it has none, a bridge leads to it, by its name in dns-lexicon or in acme.sh. ``dns01 providers WORD``
searches the list, ``dns01 providers NAME`` shows what is said of a provider here.

"""


def texts() -> Mapping[Path, str]:
    """What each file should say."""
    return {
        ROOT / "docs" / "providers.rst": page(),
        ROOT / "docs" / "performance.svg": report.picture(),
        **{ROOT / name: updated((ROOT / name).read_text()) for name in WITH_PASSAGES},
    }


def page() -> str:
    """All of docs/providers.rst."""
    guides = "\n\n".join(guide(name, load(name), rst) for name in names())
    return f"{HEAD.format(count=len(names()))}{guides}\n\n{BRIDGES}{table(HEADS, *catalogue())}\n"


def updated(text: str) -> str:
    """The text with its passages as they should be."""
    return PASSAGE.sub(lambda found: f"{found[1]}\n\n{passage(found[1])}\n\n", text)


def passage(source: str) -> str:
    """What there is to show of a source: the list of providers; what a bench has measured
    (``performance:NAME``); a file of the project, or (``FILE:NAME``) one function of it."""
    if source == "providers":
        rows = [(f"``{row.name}``", rst(row.title)) for row in catalogue() if row.name in names()]
        return columns([("name", "DNS provider"), *rows], rule=True)
    file, _, function = source.partition(":")
    if file == "performance":
        return report.table(function)
    text = (ROOT / file).read_text()
    return f"``{file}``::\n\n{indent((excerpt(text, function) if function else text).rstrip(), '    ')}"


def excerpt(text: str, function: str) -> str:
    """One function of a module, from its first decorator on."""
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    node = next(node for node in nodes if node.name == function)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno]))


def table(*rows: ProviderRow) -> str:
    return columns([tuple(map(rst, row[:4])) for row in rows], rule=True)


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text)
