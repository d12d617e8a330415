"""Where a command line calls a client: behind sudo, nice, flock and the like, for a shell, in a container."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .commands import commands, expanded
from .user_switches import UserSwitch, switch

MOST_BEFORE = 50  # programs and assignments in front of a call
NESTED = 4  # command lines within command lines that are looked into


class _Wrapper(NamedTuple):
    """A program that runs the one behind it. ``valued``: its options that have a word of their own behind
    them; ``operands``: how many words stand between its options and what it runs."""

    valued: str = ""
    operands: int = 0


WRAPPERS: Mapping[str, _Wrapper] = {
    **dict.fromkeys(
        ("chronic", "cronic", "nohup", "setsid", "command", "run-one", "unbuffer", "dumb-init"),
        _Wrapper(),
    ),
    **dict.fromkeys(
        ("gosu", "su-exec", "s6-setuidgid", "setuidgid", "envdir", "s6-envdir", "setlock", "snap", "taskset"),
        _Wrapper(operands=1),
    ),
    "env": _Wrapper("-u --unset -C --chdir"),
    "exec": _Wrapper("-a"),
    "time": _Wrapper("-f --format -o --output"),
    "nice": _Wrapper("-n --adjustment"),
    "ionice": _Wrapper("-c --class -n --classdata"),
    "chrt": _Wrapper("-T -P -D", 1),
    "choom": _Wrapper("-n --adjust"),
    "timeout": _Wrapper("-k --kill-after -s --signal", 1),
    "flock": _Wrapper("-w --wait --timeout -E --conflict-exit-code", 1),
    "systemd-cat": _Wrapper("-t --identifier -p --priority --stderr-priority --level-prefix"),
    "systemd-run": _Wrapper("-u --unit -p --property --uid --gid --slice --description -E --setenv -M"),
    "systemd-inhibit": _Wrapper("--what --who --why --mode"),
    "sudo": _Wrapper("-u --user -g --group -h --host -p --prompt -C -D --chdir -R -r -t -T -U"),
    "doas": _Wrapper("-u -C"),
    "runuser": _Wrapper("-u --user -g --group -G -s --shell -c --command"),
    "setpriv": _Wrapper("--reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits"),
    "chpst": _Wrapper("-u -U -e -b -/ -C -n -l -L -m -d -o -p -f -c -t"),
    "stdbuf": _Wrapper("-i --input -o --output -e --error"),
    "tini": _Wrapper("-p -e"),
    "with-contenv": _Wrapper(),
    "docker-init": _Wrapper(),
}  # fmt: skip
SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "su", "runuser", "flock")
# What runs things among other files than this machine's.
CONTAINERS = ("docker", "docker-compose", "podman", "podman-compose", "nerdctl", "ssh", "nsenter", "chroot",
              "kubectl", "lxc", "lxc-attach", "machinectl", "incus", "pct")  # fmt: skip

_FLAGS = re.compile(r"--(?:rm|init|tty|interactive|detach|no-deps|quiet|privileged)|-[itdTqn]+|--")
_SET = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_REDIRECTION = re.compile(r"(?:\d|&)?(?:>>?|<)(&?\S*)")


class ProgramCall(NamedTuple):
    """``program``: as it is called. ``environ``: what is set for it alone. ``contained``: it is none of this
    machine's files; ``through``: the words in front of it that lead there. ``switches``: sudo and its like in
    front of it, in their order."""

    program: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    contained: bool = False
    switches: tuple[UserSwitch, ...] = ()
    through: Sequence[str] = ()


def calls(text: str, client: str) -> Iterator[ProgramCall]:
    """Every call of the client, by its name or by a path."""
    return _in_text(text, (client, f"{client}.sh"), NESTED)


def _in_text(text: str, names: Sequence[str], levels: int) -> Iterator[ProgramCall]:
    for command in commands(text) if levels else ():
        for inner in filter(None, map(_substituted, command.words)):
            yield from _in_text(inner, names, levels - 1)
        yield from _in_words([expanded(word, {}) for word in command.words], names, levels)


def _in_words(words: Sequence[str], names: Sequence[str], levels: int) -> Iterator[ProgramCall]:
    environ: dict[str, str] = {}
    switches: tuple[UserSwitch, ...] = ()
    place = 0
    for _ in range(MOST_BEFORE):
        if place >= len(words):
            return
        word, rest = words[place], words[place + 1 :]
        program = os.path.basename(word)
        if found := _SET.fullmatch(word):
            environ[found[1]] = found[2]
            place += 1
        elif redirected := _REDIRECTION.fullmatch(word):
            place += 1 if redirected[1] else 2
        elif program in names:
            yield ProgramCall(word, rest, environ, switches=switches)
            return
        elif program in CONTAINERS:
            yield from _in_container(words[place:], names, levels, environ)
            return
        elif program in SHELLS and (text := _text_for_a_shell(program, rest, names)) is not None:
            switches = (*switches, *filter(None, (switch(program, rest, (text,)),)))
            for call in _in_text(text, names, levels - 1):
                inside = call._replace(environ={**environ, **call.environ})
                yield inside._replace(switches=(*switches, *call.switches))
            return
        elif program in SHELLS[:6] or re.fullmatch(r"python[\d.]*", program):
            place += 1 + next((number for number, each in enumerate(rest) if each[:1] != "-"), len(rest))
        elif program in WRAPPERS:
            own = _own_words(rest, WRAPPERS[program])
            switches = (*switches, *filter(None, (switch(program, rest[:own], rest[own:]),)))
            place += 1 + own
        else:
            return


def _substituted(word: str) -> str:
    """The commands whose output stands in the word; of several substitutions, all as one text."""
    for opening, closing in (("$(", ")"), ("`", "`")):
        start, end = word.find(opening), word.rfind(closing)
        if 0 <= start < end:
            return word[start + len(opening) : end]
    return ""


def _text_for_a_shell(program: str, words: Sequence[str], names: Sequence[str]) -> str | None:
    """What it is given to read, if it is by -c; one behind the client is the client's own. A lock of flock's
    may be called as the client is."""
    if program == "flock":
        words = words[_own_words(words, WRAPPERS[program]) :]
    for option, text in pairwise(words):
        if os.path.basename(option) in names:
            return None
        if re.fullmatch(r"-[a-z]*c|--command", option):
            return text
    return None


def _own_words(words: Sequence[str], wrapper: _Wrapper) -> int:
    """How many of the words behind a wrapper are its own; assignments among them are env's and sudo's."""
    valued = wrapper.valued.split()
    place = 0
    while place < len(words) and words[place].startswith("-"):
        if words[place] == "--":
            place += 1
            break
        joined = re.fullmatch(r"-[a-zA-Z]+", words[place]) and f"-{words[place][-1]}" in valued
        place += 2 if words[place] in valued or (joined and len(words[place]) > 2) else 1
    return place + wrapper.operands


def _in_container(
    words: Sequence[str], names: Sequence[str], levels: int, environ: Mapping[str, str]
) -> Iterator[ProgramCall]:
    """An image, or a service, may be called as its program is."""
    program, *words = words
    given = {match[1]: match[2] for word in words if (match := _SET.fullmatch(word))}
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        if os.path.basename(word).partition(":")[0] not in names or (
            before.startswith("-") and "=" not in before and not _FLAGS.fullmatch(before)
        ):
            continue
        through = (program, *words[:place])
        while place + 1 < len(words) and os.path.basename(words[place + 1]) in names:
            place += 1
        called = ProgramCall(words[place], words[place + 1 :], {**environ, **given})
        yield called._replace(contained=True, through=through)
        return
    for place, word in enumerate(words):
        if " " in word:
            for call in _in_text(word, names, levels - 1):
                given_too = {**environ, **given, **call.environ}
                yield call._replace(contained=True, environ=given_too, through=(program, *words[:place]))
