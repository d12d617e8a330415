"""What a zone's statement lacks for a key to change the challenges' records in it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .....errors import ConfigError
from .....names import is_within
from .named_conf import NamedZone, Statement

INDENT = "    "
TEXT = ("TXT", "ANY")


class Edit(NamedTuple):
    """A change of a file: ``replacement`` in the place of what stands from ``start`` to ``end`` in the
    file."""

    path: str
    start: int
    end: int
    replacement: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all of them, which do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text


def lacking(zone: NamedZone, key: str, owners: Sequence[str]) -> list[Edit]:
    """What is to be written for the key to change the TXT records at the owners. Raises ConfigError, with
    what to write by hand, where the zone says something that is not ours to change."""
    update, policy = zone.statement.inside("allow-update"), zone.statement.inside("update-policy")
    rules = [f"grant {_quoted(key)} name {owner}. TXT;" for owner in owners]
    if policy is not None:
        missing = [rule for rule, owner in zip(rules, owners, strict=True) if not _grants(policy, key, owner)]
        if policy.block is None and missing:
            raise _by_hand(zone, "update-policy local", rules)
        return list(_before_others(zone, policy, missing)) if missing else []
    statement = _policy(rules)
    if update is None:
        return [_at_the_end(zone, statement)]
    allowed = [each.words for each in update.block or ()]
    if any(words[0] == "key" and _is_key(words[-1], key) for words in allowed):
        return []
    if allowed in ([("none",)], []):
        return [Edit(zone.source.path, update.start, update.end, statement)]
    raise _by_hand(zone, "allow-update", rules)


def _before_others(zone: NamedZone, policy: Statement, rules: Sequence[str]) -> Iterator[Edit]:
    """The rules first, for the first one that fits decides; each on a line of its own, and so are those that
    share a line with the opening brace."""
    path, text = zone.source.path, zone.source.text
    line = f"\n{INDENT * 2}"
    start = policy.opened
    written = "".join(line + rule for rule in rules)
    for rule in policy.block or ():
        if text[start : rule.start].strip(" \t"):  # a line's end, or a comment
            break
        yield Edit(path, start, rule.start, written + line)
        start, written = rule.end, ""
    else:
        if not text[start : policy.closed].strip(" \t"):
            yield Edit(path, start, policy.closed, f"{written}\n{INDENT}")
            return
    if written:
        yield Edit(path, start, start, written)


def _grants(policy: Statement, key: str, owner: str) -> bool:
    """Whether the first rule that is about the key at the owner is a grant for TXT."""
    for rule in policy.block or ():
        verb, who, kind, at = (*rule.words, "", "", "", "")[:4]
        if not _is_key(who, key):
            continue
        at = at.rstrip(".").lower()
        types = [word.upper() for word in (rule.words[3:] if kind == "zonesub" else rule.words[4:])]
        is_there = (
            (kind == "name" and at == owner)
            or (kind == "subdomain" and is_within(owner, at))
            or (kind == "wildcard" and at.startswith("*.") and owner.endswith(at[1:]))
            or kind == "zonesub"
        )
        if is_there and (not types or set(types) & set(TEXT)):
            return verb == "grant"
    return False


def _policy(rules: Sequence[str]) -> str:
    if len(rules) == 1:
        return f"update-policy {{ {rules[0]} }};"
    lines = "".join(f"\n{INDENT * 2}{rule}" for rule in rules)
    return f"update-policy {{{lines}\n{INDENT}}};"


def _at_the_end(zone: NamedZone, statement: str) -> Edit:
    """On a line of its own, where the closing brace has one."""
    text, closed = zone.source.text, zone.statement.closed
    line = text.rfind("\n", 0, closed) + 1
    if text[line:closed].strip():
        return Edit(zone.source.path, closed, closed, f"{statement} ")
    return Edit(zone.source.path, line, line, f"{INDENT}{statement}\n")


def _is_key(name: str, key: str) -> bool:
    return name.rstrip(".").lower() == key.rstrip(".").lower()


def _quoted(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else f'"{key}"'


def _by_hand(zone: NamedZone, what: str, rules: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{zone.source.path}: the zone {zone.name} has its own {what}, which is left as it is",
        f"write in its place, with what else has to be granted: {_policy(rules)}",
    )
