"""``dns01 providers``: which DNS providers there are, and all about one of them."""

from __future__ import annotations

import shutil
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any

import click

from ...errors import UsageError
from ...output import printable
from ...providers import load, names
from ...providers._bridge_catalogue import installed_lexicon
from .document import json_option, show
from .provider_guide import HEADS, ProviderRow, catalogue, columns, facts, guide, lacking

VERSION = 1
BRIDGES = {"lexicon": "LEXICON", "acmesh": "ACME.SH"}


def _beginning_with(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in names() if name.startswith(incomplete)]


@click.command(short_help="List the DNS providers, or explain one.")
@click.argument("word", default="", metavar="[NAME or WORD]", shell_complete=_beginning_with)
@json_option("providers")
def providers(word: str, as_json: bool) -> None:
    """Say all about the provider NAME, or list those that have WORD in one of their names.

    A NAME in the list is what DNS01_PROVIDER and the configuration file call it. Where there is
    none, a bridge leads to it: dns-lexicon or acme.sh, by the name in that column.
    """
    every = [*_third_parties(), *catalogue(installed_lexicon())]
    built_in = word.replace("-", "").lower()
    name = built_in if built_in in names() else word
    if named := [row for row in every if row.name == name and name != "-"]:
        if as_json:
            show(VERSION, providers=[_described(named[0]) | facts(load(name))])
        else:
            width = shutil.get_terminal_size().columns
            click.echo(printable(guide(name, load(name), width=width)), nl=False)
        return
    rows = [row for row in every if word.lower() in " ".join(row).lower()]
    if not rows:
        near = get_close_matches(word.lower(), " ".join(" ".join(row) for row in every).lower().split(), 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"no DNS provider has {word!r} in its names", f"{guess}`dns01 providers` lists them all"
        )
    if as_json:
        show(VERSION, providers=list(map(_described, rows)))
        return
    click.echo(printable(columns([HEADS[:4], *map(_shown, rows)])))
    click.echo(_bridges(rows), nl=False, err=True)


def _third_parties() -> list[ProviderRow]:
    """What other packages add. None of them is loaded: one that is broken would take the list along."""
    found = entry_points(group="dns01.providers")
    return [ProviderRow(entry.name, "-", "-", f"from {entry.value.partition(':')[0]}") for entry in found]


def _shown(row: ProviderRow) -> tuple[str, ...]:
    install = lacking(load(row.name)) if row.name in names() else ""
    return (*row[:3], f"{row.title} (first: {install})" if install else row.title)


def _described(row: ProviderRow) -> dict[str, Any]:
    """A line of the list, with all about the provider where it has a module here."""
    line = {
        "name": None if row.name == "-" else row.name,
        "title": row.title,
        "lexicon": [] if row.lexicon == "-" else row.lexicon.split(),
        "acmesh": [] if row.acmesh == "-" else row.acmesh.split(),
    }
    return line | (facts(load(row.name)) if row.name in names() else {})


def _bridges(rows: list[ProviderRow]) -> str:
    """How to go by a bridge to those of the rows that have no name here."""
    bridged = [row for row in rows if row.name == "-"]
    ways = [bridge for bridge in BRIDGES if any(getattr(row, bridge) != "-" for row in bridged)]
    lines = (f"   -> `dns01 providers {way}` tells how to use a name of {BRIDGES[way]}\n" for way in ways)
    return "".join(lines)
