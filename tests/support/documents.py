"""What a command has written with ``--json``, held against docs/NAME.schema.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from checkout import ROOT
from jsonschema import Draft202012Validator


def document(name: str, stdout: str, change: Callable[[Any], Any] = lambda schema: schema) -> Any:
    """The document, which keeps to the schema of that name, after a ``change`` of it."""
    schema = change(json.loads((ROOT / "docs" / f"{name}.schema.json").read_text()))
    Draft202012Validator.check_schema(schema)
    written = json.loads(stdout)
    Draft202012Validator(schema).validate(written)
    return written
