"""named.conf and the files that it includes, as statements that know where they stand in the text.

The grammar is that of named.conf(5): words and blocks in braces, ended by a semicolon.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .....errors import ConfigError
from .....trusted_file import read_trusted

PATHS = ("/etc/bind/named.conf", "/etc/named.conf", "/etc/named/named.conf")
MOST_FILES = 200
DEEPEST = 20  # blocks within each other
PRIMARY = ("primary", "master")

_TOKEN = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*|#[^\n]*)|"(?P<string>(?:[^"\\]|\\.)*)"|(?P<mark>[{};])|(?P<word>[^\s{};"]+)'
    r"|(?P<space>\s+)|(?P<rest>.)",
    re.DOTALL,
)


class Statement(NamedTuple):
    """A statement of named.conf, and where it stands in the text. ``words``: without quotes. ``block``: the
    statements in its last braces; None where it has none. ``start``, ``end``: of it in the text. ``opened``:
    behind its last opening brace, ``closed``: at the closing one."""

    words: tuple[str, ...]
    block: tuple[Statement, ...] | None
    start: int
    end: int
    opened: int = 0
    closed: int = 0

    def inside(self, word: str) -> Statement | None:
        """The statement of its block that begins with the word."""
        return next((each for each in self.block or () if each.words[:1] == (word,)), None)


class Source(NamedTuple):
    """A file of the configuration, and its statements at the outermost level."""

    path: str
    text: str
    statements: tuple[Statement, ...]


class NamedZone(NamedTuple):
    """A zone that the configuration has. ``name``: without the dot at its end, in lower case."""

    name: str
    source: Source
    statement: Statement

    @property
    def is_primary(self) -> bool:
        """Whether it is of type primary, which was once called master."""
        kind = self.statement.inside("type")
        return kind is not None and kind.words[-1] in PRIMARY


class NamedConf(NamedTuple):
    """The configuration: all files that are included. ``sources``: the main file first."""

    sources: tuple[Source, ...]

    @property
    def path(self) -> str:
        """The path of the main file."""
        return self.sources[0].path

    def every(self, word: str) -> Iterator[tuple[Source, Statement]]:
        """The statements, of whichever file, that begin with the word."""
        for source in self.sources:
            for statement in source.statements:
                if statement.words[:1] == (word,):
                    yield source, statement

    def zones(self) -> list[NamedZone]:
        """The zones outside of views, in the order of the files."""
        return [
            NamedZone(statement.words[1].rstrip(".").lower(), source, statement)
            for source, statement in self.every("zone")
            if len(statement.words) > 1
        ]

    def directory(self) -> str:
        """Where relative paths begin; empty where it does not say."""
        directories = [
            found for _, options in self.every("options") if (found := options.inside("directory"))
        ]
        return directories[0].words[1] if directories and len(directories[0].words) > 1 else ""

    def includes(self, path: str) -> bool:
        """Whether the file is a part of it, or is named to be."""
        return any(path in statement.words for _, statement in self.every("include"))


def present() -> NamedConf | None:
    """The configuration of this machine's BIND; None where it has none, or none that we may read. Raises
    ConfigError where a file of it is not understood."""
    path = next(filter(os.path.isfile, PATHS), None)
    main = _read(path) if path else None
    return NamedConf(tuple(_with_included(main))) if main else None


def _with_included(main: Source) -> list[Source]:
    """What other users can write is left out: there is nothing in it that we would change."""
    sources = [main]
    for source in sources:
        for statement in source.statements:
            if statement.words[:1] == ("include",) and len(statement.words) == 2:
                path = statement.words[1]
                if os.path.isabs(path) and path not in [each.path for each in sources]:
                    sources += filter(None, [_read(path)])
        if len(sources) > MOST_FILES:
            raise ConfigError(f"{main.path} includes more than {MOST_FILES} files", "see to BIND by hand")
    return sources


def _read(path: str) -> Source | None:
    try:
        text = read_trusted(path)[0].decode()
    except (OSError, ConfigError, UnicodeDecodeError):
        return None
    try:
        return Source(path, text, parse(text))
    except ValueError as error:
        raise ConfigError(f"{path} is not understood: {error}", f"named-checkconf {path}") from None


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of the text. Raises ValueError for what is none of named.conf's."""
    tokens = [match for match in _TOKEN.finditer(text) if match.lastgroup not in ("comment", "space")]
    statements, position = _statements(text, tokens, 0, 0)
    if position < len(tokens):
        raise ValueError(f"line {_line(text, tokens[position])}: a brace too many")
    return statements


def _statements(
    text: str, tokens: Sequence[re.Match[str]], position: int, depth: int
) -> tuple[tuple[Statement, ...], int]:
    """Those from the position on, and the position of the brace, or the end, behind them."""
    found: list[Statement] = []
    words: list[str] = []
    blocks: list[tuple[tuple[Statement, ...], int, int]] = []
    start = 0
    while position < len(tokens) and tokens[position][0] != "}":
        token = tokens[position]
        if token.lastgroup == "rest" or depth > DEEPEST:
            raise ValueError(f"line {_line(text, token)}: {token[0]!r}")
        start = start if words or blocks else token.start()
        if token[0] == "{":
            block, position = _statements(text, tokens, position + 1, depth + 1)
            if position == len(tokens):
                raise ValueError(f"line {_line(text, token)}: a brace that is not closed")
            blocks.append((block, token.end(), tokens[position].start()))
        elif token[0] == ";":
            last = blocks[-1] if blocks else (None, 0, 0)
            if words or blocks:
                found.append(Statement(tuple(words), last[0], start, token.end(), *last[1:]))
            words, blocks = [], []
        else:
            words.append(token["string"] if token.lastgroup == "string" else token[0])
        position += 1
    if words or blocks:
        raise ValueError(f"line {text.count(chr(10), 0, start) + 1}: no semicolon ends it")
    return tuple(found), position


def _line(text: str, token: re.Match[str]) -> int:
    return text.count("\n", 0, token.start()) + 1
