"""A hook's script that fails at phases which it does not know: dehydrated tries one before it begins.

``load_config`` of 0.7.0 calls the hook with PROBE, and ends where that fails; so it does at any of PHASES.
What a script does with them is read from a ``case`` of its first argument, or from the function that it calls
by that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ......clients.setup.schedule.command_line import script
from ......clients.setup.shell.commands import commands
from ....finding import Examined, Finding, Severity

PROBE = "this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script"
PHASES = ("startup_hook", "generate_csr", "deploy_challenge", "clean_challenge", "sync_cert", "deploy_cert",
          "unchanged_cert")  # fmt: skip

_SHELL = re.compile(r"#!\S*(?:/|\benv\s+)(?:ba|da|k|z)?sh\b")
_FUNCTION = re.compile(r"\(\)\s*\{|^\s*\{\s*$|^\s*function\s+\w+\s*\{")
_END_OF_FUNCTION = re.compile(r"(?:^|[;\s])\}\s*$")
_OF_FIRST = re.compile(
    r"""^\s*(?:local\s+|declare\s+)?(\w+)=["']?\$(?:1|\{1[:\w-]*\})["']?\s*(?:;|$)""", re.MULTILINE
)
_CASE = re.compile(r"^[^\S\n]*case\s+(\S+)\s+in\b(.*?)^[^\S\n]*esac\b", re.MULTILINE | re.DOTALL)
_LEAVES = re.compile(r"\b(?:exit|exec|return)\b")


def check(examined: Examined, hook: str) -> Iterator[Finding]:
    """``hook``: the file of the script."""
    text = script(hook, examined.root)
    if not _SHELL.match(text):
        return
    phase = next((each for each in (PROBE, *PHASES) if _fails(text, each)), "")
    if phase:
        which = "phases that it does not know" if phase == PROBE else f"the phase {phase}"
        message = f"it ends with an error at {which}: dehydrated calls it with these, too, and ends there"
        step = f'have {hook} end with exit 0 there, or go on with: exec dns01 "$@"'
        yield Finding("hook-refuses-phases", Severity.ERROR, hook, message, (step,))


def _fails(text: str, phase: str) -> bool:
    """Whether the script fails with the phase for its first argument, as far as that is certain."""
    top = _without_functions(text)
    names = {"1", *_OF_FIRST.findall(top)}
    found = _CASE.search(top)
    if found is None:
        return phase == PROBE and _calls_function(top, names)
    before, (word, body), after = top[: found.start()], found.groups(), top[found.end() :]
    nested = re.search(r"\bcase\s+\S+\s+in\b", body) or _is_within(before)
    if not _is_first(word, names) or nested or _LEAVES.search(_without_comments(before)):
        return False
    for branch in re.split(r";;&?|;&", body):
        patterns, bracket, done = _without_comments(branch).partition(")")
        if bracket and _matches(patterns, phase):
            return _exits(f"{done}\n{after}")
    return _exits(after)


def _without_functions(text: str) -> str:
    depth, lines = 0, []
    for line in text.splitlines():
        begins, ends = len(_FUNCTION.findall(line)), len(_END_OF_FUNCTION.findall(line))
        if depth == 0 and not begins:
            lines.append(line)
        depth = max(0, depth + begins - ends)
    return "\n".join(lines)


def _without_comments(text: str) -> str:
    return re.sub(r"(?:^|(?<=\s))#.*", "", text, flags=re.MULTILINE)


def _is_within(before: str) -> bool:
    """Whether what follows stands in a condition or a loop."""
    begun = re.findall(r"^\s*(?:if|while|until|for)\b(?!.*\b(?:fi|done)\b)", before, re.MULTILINE)
    return len(begun) > len(re.findall(r"^\s*(?:fi|done)\b", before, re.MULTILINE))


def _is_first(word: str, names: set[str]) -> bool:
    """Whether a word is the first argument, or a variable that has it."""
    named = re.fullmatch(r"""["']?\$\{?(\w+)(?::?-[^}]*)?\}?["']?""", word)
    return named is not None and named[1] in names


def _matches(patterns: str, phase: str) -> bool:
    spelt = (each.strip().strip("\"'") for each in patterns.strip().lstrip("(").split("|"))
    return any(fnmatchcase(phase, each) for each in spelt)


def _exits(text: str) -> bool:
    """Whether commands come to an ``exit`` that is not 0, whatever happens."""
    for command in commands(text):
        if command.words[0] not in ("exit", "exec", "return"):
            continue
        code = "".join(command.words[1:2])
        return command.certain and command.words[0] == "exit" and code.isdecimal() and int(code) != 0
    return False


def _calls_function(top: str, names: set[str]) -> bool:
    """Whether the last command is the first argument, which a function is named after; the probe has none."""
    every = list(commands(top))
    if any(_LEAVES.fullmatch(command.words[0]) for command in every):
        return False
    last = [command for command in every if command.certain][-1:]
    return any(_is_first(command.words[0], names) for command in last)
