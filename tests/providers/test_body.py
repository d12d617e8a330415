"""JSON of others: read as far as it is nested as somebody's could be."""

from __future__ import annotations

import json

import pytest

from dns01.providers._http.body import DEEPEST, parsed


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEPEST + b"]" * DEEPEST,
        b"[" + b"[],{}," * 10_000 + b"[]]",
        json.dumps([{"data": "[[[[{{{{" * 100, 'a " in [[': "\\"}] * 300).encode(),
    ],
    ids=["as deep as may be", "wide", "brackets in strings"],
)
def test_what_is_not_nested_deep_is_read(body: bytes) -> None:
    assert parsed(body) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b"[" * 100_000,
        b'{"a":' * 101 + b"1" + b"}" * 101,
        b'[{"a": "]"}, ' * 60 + b"]" * 60,
        b'["' + b'\\"' * 1_000_000,
        b"[" * 101 + b'"' * 1_000_001,
    ],
    ids=["one too deep", "open", "objects", "objects in lists", "a string without an end", "quotes"],
)
def test_other_bodies_are_a_value_error_soon(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested|line|delimiter|Unterminated"):
        parsed(body)
