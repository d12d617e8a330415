"""The rows of an inventory: a CSV file, a file of JSON lines, or what a command prints.

Every column of a CSV file is named in its first line; commas or semicolons stand between them.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ....child_process import output_of
from ....errors import ConfigError, ProviderError
from ....regular_file import read_regular
from ..section import IssueSection

LARGEST_INVENTORY = 64 << 20  # octets of an inventory


class InventoryRow(NamedTuple):
    """One row as it is written; or why it cannot be read."""

    where: str
    fields: Mapping[str, Any] | ConfigError


def rows_of_file(section: IssueSection, environ: Mapping[str, str]) -> list[InventoryRow]:
    """What the inventory file has. Raises ConfigError where it cannot be read at all."""
    path = section.inventory
    try:
        content = read_regular(path, LARGEST_INVENTORY)
    except OSError as error:
        raise ConfigError(f"it cannot be read: {error.strerror}", "inventory in [issue] names it") from None
    except ValueError as error:
        raise ConfigError(str(error), "split it, or see whether it is the right file") from None
    lines = list(_lines(path, content))
    if os.path.splitext(path)[1].lower() == ".csv":
        return list(_csv_rows(path, lines))
    return list(_json_rows(lines))


def rows_of_command(section: IssueSection, environ: Mapping[str, str]) -> list[InventoryRow]:
    """What the inventory command prints, one JSON object a line. Raises ConfigError where it fails or
    takes too long: what it has printed by then is not to be believed."""
    command = section.inventory_command
    try:
        content = output_of(
            command, environ, section.time_limit, f"the inventory command {command[0]}", LARGEST_INVENTORY
        )
    except ProviderError as error:
        raise ConfigError(str(error), error.hint) from None
    return list(_json_rows(list(_lines(f"{command[0]}'s output", content))))


class _Line(NamedTuple):
    where: str
    text: str
    error: ConfigError | None = None


def _lines(source: str, content: bytes) -> Iterator[_Line]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError("it is UTF-16", "save it as UTF-8")
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if number > 1 and not line.strip():
            continue  # there may be 64 million
        where = f"{source}, line {number}"
        try:
            yield _Line(where, line.decode())
        except UnicodeDecodeError:
            error = ConfigError("it is not text in UTF-8", "save the file as UTF-8")
            yield _Line(where, "", error)


def _json_rows(lines: Sequence[_Line]) -> Iterator[InventoryRow]:
    for line in lines:
        if line.error:
            yield InventoryRow(line.where, line.error)
        elif line.text.strip():
            yield InventoryRow(line.where, _json_object(line.text))


def _json_object(text: str) -> Mapping[str, Any] | ConfigError:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return ConfigError(f"it is not JSON: {error}", "write one object a line")
    if not isinstance(row, dict):
        return ConfigError("it is no JSON object", 'write {"name": "example.org", "names": ["example.org"]}')
    return {key: value for key, value in row.items() if value is not None}


def _csv_rows(path: str, lines: Sequence[_Line]) -> Iterator[InventoryRow]:
    if not lines or not lines[0].text.strip():
        raise ConfigError("its first line does not name the columns", "write name,names,zone,zone_id,account")
    header = lines[0].text
    delimiter = ";" if ";" in header and "," not in header else ","
    columns = [column.strip().lower() for column in next(csv.reader([header], delimiter=delimiter))]
    if "name" not in columns:
        shown = re.sub(r"[^ -~]", "?", header)[:80]
        raise ConfigError(
            f"its first line has no column name: {shown!r}", "write name,names,zone,zone_id,account"
        )
    for line in lines[1:]:
        if line.error:
            yield InventoryRow(line.where, line.error)
        elif line.text.strip():
            yield InventoryRow(line.where, _csv_fields(line.text, columns, delimiter))


def _csv_fields(text: str, columns: Sequence[str], delimiter: str) -> Mapping[str, Any] | ConfigError:
    """One line of it: no domain has a line feed in it, so no row has more than one."""
    try:
        values = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return ConfigError(f"it is not CSV: {error}", 'a value with a comma in it stands in "…"')
    if len(values) > len(columns):
        return ConfigError(
            f"it has {len(values)} values, and there are {len(columns)} columns",
            'several names stand in "…", or have spaces between them',
        )
    return {column: value.strip() for column, value in zip(columns, values, strict=False) if value.strip()}
