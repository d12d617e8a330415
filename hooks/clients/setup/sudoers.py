"""Whether sudo asks a user for a password before it runs a command, by /etc/sudoers (sudoers(5)).

Only what is certain counts: a rule that may let the user through, by a wildcard, a netgroup or a host, is
taken for one that does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import dropwhile, takewhile
from typing import NamedTuple

from .text_files import beneath, find, read_text
from .users import User

FILE = "/etc/sudoers"
ELSEWHERE = re.compile(r"^sudoers:.*\b(?:ldap|sss)\b", re.MULTILINE)  # of /etc/nsswitch.conf
MOST_FILES = 100

_INCLUDED = re.compile(r"[@#](include|includedir)\s+\"?([^\"]+?)\"?\s*")
_REDIRECTION = re.compile(r"(?:\d|&)?[<>].*")
_COMMENT = re.compile(r"(?<!\\)#(?!\d|include).*")
_ALIAS = re.compile(r"(?:User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)")
_TAG = re.compile(r"([A-Z]+):\s*")
_RUN_AS = re.compile(r"\(([^)]*)\)\s*")
_OPTION = re.compile(r"(?:CWD|CHROOT|TIMEOUT|NOTBEFORE|NOTAFTER|ROLE|TYPE)\s*=\s*\S+\s*")


class _Rules(NamedTuple):
    """``lines``: who, and what they may; ``aliases``: the members of each."""

    lines: Sequence[tuple[str, str]]
    aliases: Mapping[str, Sequence[str]]


def asks_for_password(user: User, run_as: str, command: Sequence[str], root: str = "/") -> bool:
    """Whether it does, for certain. ``run_as``: the user whom the command is to run as; ``command``: its
    words, as they stand behind sudo's own."""
    command = list(takewhile(lambda word: not _REDIRECTION.fullmatch(word), command))
    command = list(dropwhile(re.compile(r"[A-Za-z_]\w*=.*").fullmatch, command))
    text = "\n".join(_texts(FILE, root, set()))
    others = ELSEWHERE.search(read_text("/etc/nsswitch.conf", root) or "")
    if user.uid == 0 or user.name == run_as or not text or others or _unread(root):
        return False
    if re.search(r"^\s*Defaults\S*\s.*(?:!\s*authenticate|exempt_group)", text, re.MULTILINE):
        return False
    rules = _rules(text)
    return not any(
        _is_meant(user, who, rules, root) and _lets_through(what, run_as, command, rules, root)
        for who, what in rules.lines
    )


def _texts(path: str, root: str, seen: set[str]) -> Iterator[str]:
    """The logical lines of the file, and of those that it includes."""
    if path in seen or len(seen) > MOST_FILES:
        return
    seen.add(path)
    for line in re.sub(r"\\\n\s*", " ", read_text(path, root) or "").splitlines():
        if not (included := _INCLUDED.fullmatch(line.strip())):
            yield _COMMENT.sub("", line).strip()
        elif included[1] == "include":
            yield from _texts(_whole(included[2]), root, seen)
        else:
            for each in find(f"{_whole(included[2])}/*", root):
                if "." not in os.path.basename(each) and not each.endswith("~"):
                    yield from _texts(each, root, seen)


def _whole(path: str) -> str:
    return os.path.join("/etc", path)


def _unread(root: str) -> bool:
    """Whether there is more than this user may read."""
    every = (FILE, "/etc/sudoers.d", *find("/etc/sudoers.d/*", root))
    paths = (beneath(path, root) for path in every)
    return any(os.path.exists(path) and not os.access(path, os.R_OK) for path in paths)


def _rules(text: str) -> _Rules:
    lines, aliases = list[tuple[str, str]](), dict[str, Sequence[str]]()
    for line in text.splitlines():
        if found := _ALIAS.match(line):
            for name, _, members in (part.partition("=") for part in re.split(r"\s:\s", found[1])):
                aliases[name.strip()] = _listed(members)
        elif "=" in line and not line.startswith("Defaults"):
            who, _, what = line.partition("=")
            who = re.sub(r"\s*,\s*", ",", who).strip()
            lines.append((who.rpartition(" ")[0] or who.rpartition("\t")[0] or who, what))
    return _Rules(lines, aliases)


def _listed(text: str) -> list[str]:
    return [word for part in re.split(r"(?<!\\),", text) if (word := part.strip())]


def _is_meant(user: User, who: str, rules: _Rules, root: str, levels: int = 8) -> bool:
    for word in _listed(who):
        group = word.lstrip("%").lstrip("#")
        if word in ("ALL", user.name, f"#{user.uid}") or word.startswith(("+", "%:", "!")):
            return True
        if word.startswith("%") and _number_of_group(group, root) in user.groups:
            return True
        inside = ",".join(rules.aliases.get(word, ()))
        if inside and levels and _is_meant(user, inside, rules, root, levels - 1):
            return True
    return False


def _number_of_group(name: str, root: str) -> int:
    rows = (line.split(":") for line in (read_text("/etc/group", root) or "").splitlines())
    found = next((row[2] for row in rows if len(row) > 2 and name in (row[0], row[2])), "")
    return int(found) if found.isdigit() else -1


def _lets_through(what: str, run_as: str, command: Sequence[str], rules: _Rules, root: str) -> bool:
    """Whether one of the commands of a rule is this one, without a password; what stands in front of one
    holds for those behind it, too."""
    if re.search(r"\s:\s[^,]*=", what) and "NOPASSWD" in what:  # several hosts with commands of their own
        return True
    targets, free = "root", False
    for part in _listed(re.sub(r"\(([^)]*)\)", lambda match: f"({match[1].replace(',', ' ')})", what)):
        while found := _RUN_AS.match(part) or _OPTION.match(part) or _TAG.match(part):
            part = part[found.end() :]
            if found.re is _RUN_AS:
                targets = found[1]
            elif found.re is _TAG and found[1].endswith("PASSWD"):
                free = found[1] == "NOPASSWD"
        names = set(re.split(r"[\s:]+", targets.partition(":")[0]))
        may_be = names & {"ALL", run_as} or names & rules.aliases.keys()
        if free and may_be and _fits(part, command, rules.aliases, root):
            return True
    return False


def _fits(rule: str, command: Sequence[str], aliases: Mapping[str, Sequence[str]], root: str) -> bool:
    """Whether the rule may mean the command."""
    if rule in aliases:
        return any(_fits(each, command, aliases, root) for each in aliases[rule] if each != rule)
    if rule == "ALL" or rule.startswith(("!", "^", "sha")) or not command:
        return True
    path, _, arguments = rule.partition(" ")
    if not _is_program(path, command[0], root):
        return False
    wanted, given = arguments.strip().replace("\\", ""), " ".join(command[1:])
    return (
        not wanted or (wanted == '""' and not given) or wanted.startswith("^") or fnmatchcase(given, wanted)
    )


def _is_program(path: str, program: str, root: str) -> bool:
    if path.endswith("/"):
        return "/" not in program or os.path.dirname(program) == path.rstrip("/")
    names: Collection[str] = (program, os.path.basename(program))
    if "/" not in program:
        return fnmatchcase(program, os.path.basename(path))
    if fnmatchcase(program, path):
        return True
    one, other = (os.path.realpath(beneath(each, root)) for each in (path, program))
    return os.path.basename(path) in names and one == other
