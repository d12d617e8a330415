"""What every command writes with ``--json``; ``docs/NAME.schema.json`` describes it.

A version is raised where a program that reads the older one would be led astray; a new field is no such
change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ... import output
from ...secret import redact
from ..state.atomic import iso
from ..state.journal import Entry

F = TypeVar("F", bound=Callable[..., Any])


def json_option(name: str) -> Callable[[F], F]:
    """The option ``--json``, as the parameter ``as_json``. ``name``: of the schema."""
    return click.option(
        "--json", "as_json", is_flag=True, help=f"For programs: docs/{name}.schema.json describes it."
    )


def show(version: int, **fields: Any) -> None:
    """Write the document to stdout."""
    output.document({"version": version, **fields})


def record(entry: Entry) -> dict[str, Any]:
    """A challenge record that is published, or still to be taken back."""
    return {
        "name": entry.name,
        "target": entry.target,
        "zone": entry.zone,
        "account": entry.account,
        "opened": iso(entry.opened),
        "tries": entry.tries,
        "error": redact(entry.error),
    }
