"""``dns01 providers``: which DNS providers there are, and all about one of them."""

from __future__ import annotations

import shutil
from difflib import get_close_matches
from importlib.metadata import entry_points

import click

from ...errors import UsageError
from ...output import printable
from ...providers import load, names
from ...providers._bridge_catalogue import installed_lexicon
from .provider_guide import HEADS, Row, catalogue, columns, guide, lacking

BRIDGES = {"lexicon": "LEXICON", "acmesh": "ACME.SH"}


def _beginning_with(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in names() if name.startswith(incomplete)]


@click.command(short_help="List the DNS providers, or explain one.")
@click.argument("word", default="", metavar="[NAME or WORD]", shell_complete=_beginning_with)
def providers(word: str) -> None:
    """Say all about the provider NAME, or list those that have WORD in one of their names.

    A NAME in the list is what DNS01_PROVIDER and the configuration file call it. Where there is
    none, a bridge leads to it: dns-lexicon or acme.sh, by the name in that column.
    """
    added = _third_parties()
    built_in = word.replace("-", "").lower()
    if built_in in names() or word in [row.name for row in added]:
        name = built_in if built_in in names() else word
        width = shutil.get_terminal_size().columns
        click.echo(printable(guide(name, load(name), width=width)), nl=False)
        return
    every = [*added, *catalogue(installed_lexicon())]
    rows = [row for row in every if word.lower() in " ".join(row).lower()]
    if not rows:
        near = get_close_matches(word.lower(), " ".join(" ".join(row) for row in every).lower().split(), 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"no DNS provider has {word!r} in its names", f"{guess}`dns01 providers` lists them all"
        )
    click.echo(printable(columns([HEADS[:4], *map(_shown, rows)])))
    click.echo(_bridges(rows), nl=False, err=True)


def _third_parties() -> list[Row]:
    """What other packages add. None of them is loaded: one that is broken would take the list along."""
    found = entry_points(group="dns01.providers")
    return [Row(entry.name, "-", "-", f"from {entry.value.partition(':')[0]}") for entry in found]


def _shown(row: Row) -> tuple[str, ...]:
    install = lacking(load(row.name)) if row.name in names() else ""
    return (*row[:3], f"{row.title} (first: {install})" if install else row.title)


def _bridges(rows: list[Row]) -> str:
    """How to go by a bridge to those of the rows that have no name here."""
    bridged = [row for row in rows if row.name == "-"]
    ways = [bridge for bridge in BRIDGES if any(getattr(row, bridge) != "-" for row in bridged)]
    lines = (f"   -> `dns01 providers {way}` tells how to use a name of {BRIDGES[way]}\n" for way in ways)
    return "".join(lines)
