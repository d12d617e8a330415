"""Inputs from drawn ones: hypothesis draws one in milliseconds, and twenty like it cost less than that."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

T = TypeVar("T")

OF_EACH = 20  # the drawn one among them
ODD = (
    "", "\0", "\x1b[2J", "\n", "²", "٣", "a" * 300, "..", "*", "-", "--help", "example.org", "-" + "a" * 42,
    "{}", "1e999", "\ud800", "İ", "\u202e", "xn--", "a" * 64,
)  # fmt: skip
SCALARS: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    10**20,
    1e999,
    float("nan"),
    "",
    [],
    {},
    [[]],
    {"": None},
    *ODD,
)


class Fixed(NamedTuple):
    """What is drawn, and is no part of the input that is varied."""

    value: Any


def each(strategy: st.SearchStrategy[T], count: int) -> Callable[[Callable[[T], None]], Callable[[], None]]:
    """Decorator: the check runs with `count` inputs, of which one in `OF_EACH` is drawn."""

    def decorate(check: Callable[[T], None]) -> Callable[[], None]:
        @settings(
            max_examples=-(-count // OF_EACH),
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy, st.integers(0, 2**32))
        def several(drawn: T, seed: int) -> None:
            check(drawn)
            chance = random.Random(seed)
            for _ in range(OF_EACH - 1):
                check(varied(drawn, chance))

        return several

    return decorate


def varied(value: Any, chance: random.Random) -> Any:
    """The value with one to three parts of it changed, left out or doubled; of the same type."""
    for _ in range(chance.randint(1, 3)):
        value = _changed(value, chance)
    return value


def octets(value: object) -> bytes:
    """As a file: octets as they are, and everything else as JSON."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def _changed(value: Any, chance: random.Random) -> Any:
    match value:
        case Fixed():
            return value
        case bytes():
            return _cut(value, chance, lambda: chance.randbytes(1))
        case str():
            return (
                _cut(value, chance, lambda: chance.choice(ODD))
                if chance.random() < 0.8
                else chance.choice(ODD)
            )
        case tuple():  # of what a check is given: each part keeps its type
            at = chance.randrange(len(value))
            return (*value[:at], _changed(value[at], chance), *value[at + 1 :])
        case list() if value:
            return _list(value, chance)
        case dict() if value:
            return _dict(value, chance)
    return value if isinstance(value, (list, dict)) else _other(value, chance)


def _cut(text: Any, chance: random.Random, new: Callable[[], Any]) -> Any:
    """Some of it changed, left out or doubled."""
    start, end = sorted(chance.randint(0, len(text)) for _ in range(2))
    match chance.randrange(4):
        case 0:
            return text[:start] + new() + text[start + 1 :]
        case 1:
            return text[:start] + new() + text[start:]
        case 2:
            return text[:start] + text[end:]
    return text[:end] + text[start:]


def _list(items: list[Any], chance: random.Random) -> list[Any]:
    at = chance.randrange(len(items))
    match chance.randrange(4):
        case 0:
            return items[:at] + items[at + 1 :]
        case 1:
            return [*items, items[at]]
    return [*items[:at], _changed(items[at], chance), *items[at + 1 :]]


def _dict(table: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    key, other = chance.choice([*table]), chance.choice([*table])
    match chance.randrange(5):
        case 0:
            return {name: value for name, value in table.items() if name != key}
        case 1:
            return {**table, key: table[other]}
        case 2:
            return {**table, key: _other(table[key], chance)}
    return {**table, key: _changed(table[key], chance)}


def _other(value: Any, chance: random.Random) -> Any:
    """A value of perhaps another type."""
    if isinstance(value, int) and not isinstance(value, bool) and chance.random() < 0.5:
        return chance.choice((value + 1, -value, value << 64, float(value) if abs(value) < 2**60 else 0))
    return chance.choice(SCALARS)
