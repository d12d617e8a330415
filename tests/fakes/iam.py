"""As much of IAM's policy language as a policy for Route 53 needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ForAllValues:StringLike": fnmatchcase,
    "ForAllValues:StringEquals": str.__eq__,
}


def allows(policy: str, action: str, resource: str, context: Mapping[str, Iterable[str]]) -> bool:
    """Whether a statement of the policy allows the action; one that it has no word for fails."""
    document = json.loads(policy)
    assert document["Version"] == "2012-10-17"
    return any(_allows(statement, action, resource, context) for statement in document["Statement"])


def _allows(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, Iterable[str]]
) -> bool:
    assert statement["Effect"] == "Allow"
    return (
        action in _listed(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in _listed(statement["Resource"]))
        and all(
            any(OPERATORS[operator](value, pattern) for pattern in _listed(patterns))
            for operator, keys in statement.get("Condition", {}).items()
            for key, patterns in keys.items()
            for value in context[key]
        )
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
