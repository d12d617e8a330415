"""Words of bash's in what sh reads: dash, which is sh on Debian, looks for a program of that name, or ends
there with an error."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence

from ..shell.commands import ShellCommand, commands, expanded
from ..text_files import beneath, read_text
from .command_line import Line, script
from .crontab import in_folder

WORDS = ("source", "[[", "shopt", "declare", "pushd")
# What is an error wherever it stands, in a word that is neither quoted nor a command of its own.
ERRORS = {
    "arrays, as in a=(…)": re.compile(r"\w+\+?=\("),
    "<(…)": re.compile(r"[<>]\("),
    "<<<": re.compile("<<<"),
    "${…[…]} and the like": re.compile(r"""[^'`(]*\$\{\w+(?:\[|/|\^|,|:\d)"""),
}
PLAIN = ("sh", "dash")

_FOR_SH = re.compile(r"#!\s*(?:/usr)?/bin/(?:env\s+)?(?:sh|dash)(?:\s+(-\w+))?\s*$", re.MULTILINE)
_ENDS = re.compile(r"^\s*set\s+(?:-o\s+errexit|-\w*e)", re.MULTILINE)
_OF_CLIENTS = re.compile(
    r"^\s*(?:export\s+)?(?:EXEC_\w+|LEGO_\w+|DNS01_\w+|\w+_(?:TOKEN|SECRET|KEY))=", re.MULTILINE
)
_GIVEN = re.compile(r"""\b(?:da)?sh\s+-\w*c\s+(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")
# A condition that is never true, and what depends on it; and compound commands, which are no words.
_GUARDED = re.compile(
    r"""\b(?:if|elif|while)\s+(\[\[|(?:\[|test)\s[^];\n]*\s==\s).*?[;\n]\s*(?:then|do)\b(.*?)\b(?:else|elif|fi|done)\b""",
    re.DOTALL,
)
_COMPOUND = re.compile(r"^\s*(?:(function)\s+[\w-]+|for\s*(\(\())", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


def not_of_sh(client: str, lines: Sequence[Line], root: str) -> Iterator[tuple[str, str]]:
    """What keeps a command of the lines from being run, or from having its variables, and what mends that."""
    if not _is_plain_sh(root):
        return
    first = lines[0]
    wanted = {client, *(line.path for line in lines)}
    shell = os.path.basename(first.environ.get("SHELL", "") or "sh")
    if first.when and shell in PLAIN and (word := _word(first.command, root, wanted)):
        yield f"cron has sh run its command, which knows no {word}", _mended(first, word)
    for line in lines:
        for text in (double or single for double, single in _GIVEN.findall(line.command)):
            if word := _word(text, root, wanted):
                yield f"{line.path} has sh read a command, which knows no {word}", _by_bash(line, word)
    for path in dict.fromkeys(line.path for line in lines):
        text = script(path, root)
        head = _FOR_SH.match(text)
        as_program = in_folder(path) is not None or any(_calls(line.command, path) for line in lines)
        if not head or not as_program:
            continue
        if word := _word(text, root, wanted - {path}, ends="e" in (head[1] or "")):
            yield f"{path} is run by sh, which knows no {word}", f"sed -i '1s|.*|#!/bin/bash|' {path}"


def _is_plain_sh(root: str) -> bool:
    """Whether sh is one that knows nothing of bash's; it may be bash itself, or BusyBox's."""
    path = beneath("/bin/sh", root)
    return os.path.basename(os.readlink(path) if os.path.islink(path) else path) in PLAIN


def _calls(command: str, path: str) -> bool:
    """Whether a command runs the path itself, rather than giving it to a shell to read."""
    return any(expanded(each.words[0], {}) == path for each in commands(command))


def _word(text: str, root: str, wanted: Collection[str], *, ends: bool = False) -> str:
    """The first word on which the rest depends. ``wanted``: the client, and the scripts on the way to it;
    what stands behind them in the text keeps nothing from being run."""
    ends = ends or bool(_ENDS.search(text))
    bare = _COMMENT.sub("", text)
    compound = _COMPOUND.search(bare)
    if compound and not _has(wanted, bare[: compound.start()]):
        return compound[1] or "for (("
    for command in commands(text):
        if word := _of_command(command, text, root, wanted, ends=ends):
            return word
        if _has(wanted, " ".join(command.words)):
            break
    return next((_test(condition) for condition, then in _GUARDED.findall(bare) if _has(wanted, then)), "")


def _has(wanted: Collection[str], text: str) -> bool:
    return any(each in text for each in wanted)


def _of_command(command: ShellCommand, text: str, root: str, wanted: Collection[str], *, ends: bool) -> str:
    """The word of bash's in one command, if it is an error, or nothing is run after a failure, or the client
    is run behind it alone, or it reads a file of the client's variables."""
    word, *rest = command.words
    for what, error in ERRORS.items():
        if any(map(error.match, command.words)):
            return what
    if word == "set" and "pipefail" in rest and command.certain:
        return "set -o pipefail"
    word = _test(" ".join(command.words)) or word
    if word not in (*WORDS, "=="):
        return ""
    file = expanded(rest[0], {}) if rest else ""
    variables = read_text(file, root) if word == "source" and file.startswith("/") else None
    behind = re.search(rf"{re.escape(' '.join(command.words))}\s*(&&|\|\|)?((?:\\\n|[^;\n])*)", text)
    joined, then = (behind[1], behind[2]) if behind else ("", "")
    if (
        (joined == "&&" and (_has(wanted, then) or "{" in then))
        or (joined == "||" and word in ("[[", "==") and re.match(r"\s*(?:exit|return)\b", then))
        or (ends and command.certain and not joined)
        or (variables and _OF_CLIENTS.search(variables))
    ):
        return word
    return ""


def _test(command: str) -> str:
    """What makes a test one of bash's."""
    if command.startswith("[["):
        return "[["
    return "==" if re.match(r"(?:\[|test)\s.*\s==\s", command) else ""


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
