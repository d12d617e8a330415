"""A script of a shell's, taken apart into its commands as sh(1) reads it; nothing of it is ever executed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

LARGEST_SCRIPT = 1 << 18  # characters that are read
BEFORE_ASSIGNMENTS = ("export", "declare", "typeset", "readonly", "local")

_OPENING = ("if", "while", "until", "for", "select", "case", "function", "{")
_CLOSING = ("fi", "done", "esac", "}")
_BETWEEN = ("then", "else", "elif", "do", "!")
_NO_COMMAND = ("for", "select", "case", "function")  # what follows them on the line is none

_TOKEN = re.compile(
    r"""\\\n|[ \t\r]+|\n|;;|;|&&|&(?!>)|\|[|&]?|<<<|<<-?|[<>]&?|&>|\(\(|\(|\)|[^\s\\'"$`;&|<>()]+|.""",
    re.DOTALL,
)
# What begins or ends a part of a word in which blanks and line ends stand for themselves.
_SPECIAL = re.compile(r"""\\.|\$'|'|"|\$\(|\$\{|`|[()}]""", re.DOTALL)
_CLOSED_BY = {'"': '"', "`": "`", "$(": ")", "(": ")", "${": "}"}
_ANSI_C = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL)
_DELIMITER = re.compile(r"""[ \t]*((?:\\.|'[^'\n]*'|"[^"\n]*"|[^\s;&|<>()'"\\])+)""")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_DEFAULT = re.compile(r"\$\{([A-Za-z_]\w*):?=(.*)\}", re.DOTALL)
_PART = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|((?:[^'"\\]|\\.)+)""", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?[-=]([^{}$]*))?\})")


class Assignment(NamedTuple):
    """``word``: the value as it stands there. ``kind``: "=", "+=" (behind what is there already), or "?=" (if
    nothing is)."""

    name: str
    word: str
    kind: str = "="


class ShellCommand(NamedTuple):
    """A simple command: its words as they stand there, quotes and all. ``certain``: it is run whatever
    happens, as it stands within no condition, loop or function."""

    words: tuple[str, ...]
    certain: bool

    @property
    def assignments(self) -> list[Assignment]:
        """What it sets for the commands behind it; not what it sets for itself alone."""
        if self.words[0] in (":", "true"):
            defaults = (_DEFAULT.fullmatch(word.strip('"')) for word in self.words[1:])
            return [Assignment(match[1], match[2], "?=") for match in defaults if match]
        declared = self.words[0] in BEFORE_ASSIGNMENTS
        found = [_ASSIGNED.fullmatch(word) for word in self.words]
        if not declared and not all(found):
            return []
        return [Assignment(match[1], match[3], f"{match[2]}=") for match in found if match]

    def spaced(self, names: Collection[str] = ()) -> str:
        """The variable that was meant to be set where blanks stand around the =: a shell runs what stands
        before them, or behind them, as a program. ``names``: those that nobody would empty for a program."""
        words = self.words[1:] if self.words[0] in BEFORE_ASSIGNMENTS else self.words
        if len(words) < 2:
            return ""
        first, second = words[:2]
        if _NAME.fullmatch(first) and re.match(r"=(?![=~])", second):
            return first
        name, equals, value = first.partition("=")
        return name if equals and not value and name in names else ""


def commands(text: str) -> Iterator[ShellCommand]:
    """Those of a script, without its comments and here-documents, each line joined with those that it goes on
    in."""
    return _Scanner(text[:LARGEST_SCRIPT]).commands()


def expanded(word: str, variables: Mapping[str, str]) -> str:
    """What a shell makes of a word: quotes removed, variables that are known put in. What only a shell can
    tell keeps its ``$``."""
    parts = []
    for single, double, bare in _PART.findall(word):
        text = re.sub(r"\\([$`\"\\\n])" if double else r"\\(.)", r"\1", double or bare, flags=re.DOTALL)
        parts.append(single or _VARIABLE.sub(lambda match: _known(match, variables), text))
    return "".join(parts)


def assigned(assignment: Assignment, variables: Mapping[str, str]) -> str:
    """The value that a variable has from then on."""
    present = variables.get(assignment.name, "")
    if assignment.kind == "?=" and present:
        return present
    return (present if assignment.kind == "+=" else "") + expanded(assignment.word, variables)


def _known(match: re.Match[str], variables: Mapping[str, str]) -> str:
    return variables.get(match[1] or match[2]) or (match[0] if match[3] is None else match[3])


class _Scanner:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._words: list[str] = []
        self._word = ""
        self._open: list[str] = []  # of what encloses this place
        self._operator = ""  # that stands before the command
        self._documents: list[tuple[str, bool]] = []  # here-documents that begin at the next line

    def commands(self) -> Iterator[ShellCommand]:
        while match := _TOKEN.match(self._text, self._position):
            token, start = match[0], self._position
            self._position = match.end()
            if token == "\\\n":
                continue
            if token.isspace() and token != "\n":
                self._end_word()
            elif token.startswith("#") and not self._word:
                end = self._text.find("\n", start)
                self._position = len(self._text) if end < 0 else end
            elif token in ("<<", "<<-") and (delimiter := _DELIMITER.match(self._text, self._position)):
                self._documents.append((re.sub(r"[\\'\"]", "", delimiter[1]), token == "<<-"))
                self._position = delimiter.end()
            elif token in ("((", "(") and (self._word or token == "(("):
                self._bracket(start)
            elif token in ("\n", ";", ";;", "&", "&&", "|", "||", "|&", "(", ")"):
                yield from self._end(token)
            else:
                if token in ("\\", "'", '"', "$", "`"):
                    self._position = self._behind_part(start)
                self._word += self._text[start : self._position]
        yield from self._end("")

    def _bracket(self, start: int) -> None:
        """A function's, an array's, or those around arithmetic."""
        self._position = self._behind_part(start)
        if self._text[start : self._position] == "()":
            self._words, self._word = [], ""
        else:
            self._word += self._text[start : self._position]

    def _end_word(self) -> None:
        if self._word:
            self._words.append(self._word)
        self._word = ""

    def _end(self, token: str) -> Iterator[ShellCommand]:
        """Of a command, and what that does to those that follow."""
        self._end_word()
        words, self._words = self._without_keywords(self._words), []
        joined = {self._operator, token} & {"|", "|&"} or self._operator in ("&&", "||") or token == "&"
        if words:
            yield ShellCommand(tuple(words), not self._open and not joined)
        if words or token not in ("\n", ""):
            self._operator = token
        if token == "(":
            self._open.append(token)
        elif token == ")" and self._open[-1:] == ["("]:
            self._open.pop()
        elif token == "\n":
            self._skip_documents()

    def _without_keywords(self, words: list[str]) -> list[str]:
        while words and words[0] in (*_OPENING, *_CLOSING, *_BETWEEN):
            keyword, *words = words
            if keyword in _OPENING:
                self._open.append(keyword)
            elif keyword in _CLOSING:
                del self._open[-1:]
                return []  # behind it stand redirections
            if keyword in _NO_COMMAND:
                return []
        return words

    def _skip_documents(self) -> None:
        for delimiter, indented in self._documents:
            while self._position < len(self._text):
                end = self._text.find("\n", self._position)
                end = len(self._text) if end < 0 else end
                line = self._text[self._position : end]
                self._position = end + 1
                if (line.lstrip("\t") if indented else line) == delimiter:
                    break
        self._documents = []

    def _behind_part(self, start: int) -> int:
        """The position behind the quotes or brackets that begin at ``start``."""
        within: list[str] = []
        match = _SPECIAL.match(self._text, start)
        while match:
            token, position = match[0], match.end()
            innermost = within[-1] if within else ""
            if token == innermost:
                within.pop()
            elif token == "'" and innermost != '"':
                end = self._text.find("'", position)
                position = len(self._text) if end < 0 else end + 1
            elif token == "$'" and innermost != '"':
                ansi = _ANSI_C.match(self._text, position)
                position = ansi.end() if ansi else len(self._text)
            elif token in _CLOSED_BY and not (token == "(" and innermost in ('"', "}")):
                within.append(_CLOSED_BY[token])
            if not within:
                return position
            match = _SPECIAL.search(self._text, position)
        return len(self._text) if within else start + 1  # a $ that begins nothing
