"""Words of bash's in what sh reads: dash, which is sh on Debian, looks for a program of that name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from ..shell.commands import commands, expanded
from ..text_files import beneath, read_text
from .command_line import Line, script
from .crontab import in_folder

WORDS = ("source", "[[", "shopt", "declare", "pushd")
PLAIN = ("sh", "dash")

_FOR_SH = re.compile(r"#!\s*(?:/usr)?/bin/(?:env\s+)?(?:sh|dash)(?:\s+(-\w+))?\s*$", re.MULTILINE)
_ENDS = re.compile(r"^\s*set\s+(?:-o\s+errexit|-\w*e)", re.MULTILINE)
_OF_CLIENTS = re.compile(
    r"^\s*(?:export\s+)?(?:EXEC_\w+|LEGO_\w+|DNS01_\w+|\w+_(?:TOKEN|SECRET|KEY))=", re.MULTILINE
)
_GIVEN = re.compile(r"""\b(?:da)?sh\s+-\w*c\s+(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")


def not_of_sh(lines: Sequence[Line], root: str) -> Iterator[tuple[str, str]]:
    """What keeps a command of the lines from being run, or from having its variables, and what mends that."""
    if not _is_plain_sh(root):
        return
    first = lines[0]
    shell = os.path.basename(first.environ.get("SHELL", "") or "sh")
    if first.when and shell in PLAIN and (word := _word(first.command, root)):
        yield f"cron has sh run its command, which knows no {word}", _mended(first, word)
    for line in lines:
        for text in (double or single for double, single in _GIVEN.findall(line.command)):
            if word := _word(text, root):
                yield f"{line.path} has sh read a command, which knows no {word}", _by_bash(line, word)
    for path in dict.fromkeys(line.path for line in lines):
        text = script(path, root)
        head = _FOR_SH.match(text)
        as_program = in_folder(path) is not None or any(_calls(line.command, path) for line in lines)
        if head and as_program and (word := _word(text, root, ends="e" in (head[1] or ""))):
            yield f"{path} is run by sh, which knows no {word}", f"sed -i '1s|.*|#!/bin/bash|' {path}"


def _is_plain_sh(root: str) -> bool:
    """Whether sh is one that knows nothing of bash's; it may be bash itself, or BusyBox's."""
    path = beneath("/bin/sh", root)
    return os.path.basename(os.readlink(path) if os.path.islink(path) else path) in PLAIN


def _calls(command: str, path: str) -> bool:
    """Whether a command runs the path itself, rather than giving it to a shell to read."""
    return any(expanded(each.words[0], {}) == path for each in commands(command))


def _word(text: str, root: str, *, ends: bool = False) -> str:
    """The first word on which the rest depends: behind it stands &&, or nothing is run after a failure, or it
    reads a file of the client's variables."""
    ends = ends or bool(_ENDS.search(text))
    for command in commands(text):
        word, *rest = command.words
        if word not in WORDS:
            continue
        file = expanded(rest[0], {}) if rest else ""
        variables = read_text(file, root) if word == "source" and file.startswith("/") else None
        behind = re.search(rf"{re.escape(' '.join(command.words))}\s*(&&|\|\|)?", text)
        if (
            (behind and behind[1] == "&&")
            or (ends and command.certain and not (behind and behind[1]))
            or (variables and _OF_CLIENTS.search(variables))
        ):
            return word
    return ""


def _mended(line: Line, word: str) -> str:
    """The step that says it as every shell knows it, or has cron take bash."""
    if word == "source":
        return line.instead(re.sub(r"(?<![\w./-])source(?=\s)", ".", line.command))
    return f"write in {line.path}, above it: SHELL=/bin/bash"


def _by_bash(line: Line, word: str) -> str:
    """The same for what is given to sh to read."""
    if word == "source":
        return _mended(line, word)
    return line.instead(re.sub(r"(?<![\w.-])(?:da)?sh(?=\s+-\w*c)", "bash", line.command))
