"""What is wrong with a file that is not TOML: the line, where in it, and what was probably meant."""

from __future__ import annotations

import re

from ...errors import ConfigError
from ...secret import SECRETIVE, looks_secret

LONGEST_SHOWN = 30  # characters of a value
CURLY_QUOTES = set("\u201c\u201d\u201e\u201f\u2018\u2019")

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_ASSIGNMENT = re.compile(r"""\s*([\w.'"-]+)\s*=\s*(.*?)\s*(?:#.*)?$""")
_HINT = "the format: https://toml.io"


def explain(text: str, error: Exception) -> ConfigError:
    """The error to raise for what tomllib says of the ``text``."""
    match = _PLACE.search(str(error))
    lines = text.splitlines() or [""]
    number = int(match[1]) if match and match[1] else len(lines)
    column = int(match[2]) if match and match[2] else 0
    line = lines[min(number, len(lines)) - 1]
    problem = _PLACE.sub("", str(error))
    shown = _shown(line)
    caret = f"\n        {' ' * (column - 1)}^" if column and shown == line else ""
    return ConfigError(
        f"it is not TOML: line {number}: {problem[:1].lower()}{problem[1:]}\n        {shown}{caret}",
        _likely_cause(line, problem) or _HINT,
    )


def _likely_cause(line: str, problem: str) -> str:
    assignment = _ASSIGNMENT.match(line)
    key, value = (assignment[1], assignment[2]) if assignment else ("", "")
    if line.startswith("\ufeff"):
        return "the file begins with a byte order mark: save it as UTF-8 without one"
    if line.lstrip().startswith((";", "//")):
        return 'a comment begins with "#"'
    if CURLY_QUOTES.intersection(line):
        return "curly quotes came with a copy: write them as \" or '"
    if "twice" in problem or "overwrite" in problem:
        return "it is there already, further up: make one of the two"
    if assignment and not value:
        return f'nothing stands behind "=": write {key} = "…"'
    if "\\" in line:
        return "a backslash in \"…\" begins an escape: write '…', where it does not, or double it"
    if assignment and re.fullmatch(r"[A-Za-z_/*][^\"'\[\]{},]*|\d+(\.\d+){3}(:\d+)?", value):
        return f'a string wants quotes: {key} = "…"'
    if not assignment and re.match(r"\s*[\w-]+\s*:", line):
        return 'write "=", not ":", between a key and its value'
    if re.match(r"\s*\[[^\]]*$", line):
        return 'the "]" at the end is missing'
    if line.count('"') % 2:
        return 'a string that begins with " wants one at its end as well'
    return ""


def _shown(line: str) -> str:
    """The line, without what may be a secret in it."""
    line = line.removeprefix("\ufeff")
    assignment = _ASSIGNMENT.match(line)
    if not assignment:
        safe = len(line) <= LONGEST_SHOWN and not looks_secret(line)
        return line if safe else f"{line.partition('=')[0] if '=' in line else ''}…"
    key, value = assignment[1], assignment[2]
    plain = len(value) <= LONGEST_SHOWN and "://" not in value
    if plain and not SECRETIVE.search(key) and not looks_secret(value.strip("\"'")):
        return line
    return f"{key} = …"
