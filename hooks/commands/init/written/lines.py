"""Lines of configuration files, set one by one: everything else in the file stays as it is."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .....errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=")


def string(text: str) -> str:
    """The text as TOML has it in quotes (JSON's escapes are among TOML's)."""
    return json.dumps(text, ensure_ascii=False)


def in_file(path: str) -> str:
    """What stands for a secret that is in a file of its own."""
    return f"{{ file = {string(path)} }}"


def set_key(text: str, section: Sequence[str], key: str, value: str, path: str) -> str:
    """The TOML text with ``key = value`` in the section, which may be new. ``key`` may be dotted, ``value``
    is TOML. Raises ConfigError, with what to write by hand, if more than that would change."""
    head = ".".join(part if _BARE.fullmatch(part) else string(part) for part in section)
    lines = text.splitlines()
    first = next((n for n, line in enumerate(lines) if _header(line) == [*section]), None)
    if first is None:
        gap = [""] if lines and lines[-1].strip() else []
        lines += [*gap, f"[{head}]", f"{key} = {value}"]
    else:
        _set_within(lines, first, key, f"{key} = {value}")
    result = "\n".join(lines) + "\n"
    if _parsed(result) != _with(_parsed(text) or {}, [*section, *key.split(".")], value):
        raise ConfigError(
            f"{path} is written in a way that cannot be changed line by line",
            f"write in it by hand, below [{head}]: {key} = {value}",
        )
    return result


def _set_within(lines: list[str], first: int, key: str, line: str) -> None:
    end = next((n for n in range(first + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    numbers = [n for n in range(first + 1, end) if re.match(rf"\s*{re.escape(key)}\s*=", lines[n])]
    if numbers:
        lines[numbers[0]] = line
        return
    while end > first + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1  # what stands before the next section belongs to that
    lines.insert(end, line)


def _header(line: str) -> list[str] | None:
    """The parts of a section's name; None for any other line."""
    if not line.lstrip().startswith("[") or line.lstrip().startswith("[["):
        return None
    table, parts = _parsed(line), []
    while isinstance(table, dict) and len(table) == 1:
        ((name, table),) = table.items()
        parts.append(name)
    return parts if table == {} else None


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _with(data: Mapping[str, Any], path: Sequence[str], value: str) -> dict[str, Any]:
    result = copy.deepcopy(dict(data))
    table = result
    for part in path[:-1]:
        table = table.setdefault(part, {})
    table[path[-1]] = tomllib.loads(f"value = {value}")["value"]
    return result


def assign(text: str, name: str, line: str, pattern: str) -> str:
    """The text with the ``line`` in the place of the last one that ``pattern`` fits ({name} in it is the
    name), or at its end."""
    lines = text.splitlines()
    wanted = re.compile(pattern.replace("{name}", re.escape(name)))
    numbers = [n for n, each in enumerate(lines) if wanted.match(each)]
    if numbers:
        lines[numbers[-1]] = line
    else:
        lines.append(line)
    return "\n".join(lines) + "\n"


def without(text: str, names: Collection[str]) -> str:
    """A shell's text without the lines that assign one of these variables."""
    kept = [
        line
        for line in text.splitlines(keepends=True)
        if not ((found := _ASSIGNMENT.match(line)) and found[1] in names)
    ]
    return "".join(kept)
