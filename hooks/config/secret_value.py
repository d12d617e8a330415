"""A secret as a variable or the file gives it: the value itself, with nothing around it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from ...errors import ConfigError


class Mistake(NamedTuple):
    """How a value looks that cannot be meant as it is, what it then is, and the way out."""

    looks: str  # a regular expression for all of it
    what: str
    remedy: str


MISTAKES: Sequence[Mistake] = (
    Mistake(
        r"""(["'“”‘’])[^"'“”‘’]*["'“”‘’]""",  # noqa: RUF001
        "stands in quotation marks, which are taken for a part of it",
        "write it without them: docker's --env-file and the like keep them",
    ),
    Mistake(
        r"<[^<>]*>", "stands in angle brackets, which are taken for a part of it", "write it without them"
    ),
    Mistake(
        r"(?i)(bearer|basic|token|sso-key|apikey):? +\S+",
        "begins with a word of HTTP's, which is sent of its own accord",
        "write what comes after it, and nothing else",
    ),
    Mistake(
        r"[^\n]*\r",
        "ends with a carriage return: the file that it comes from has the line ends of Windows",
        "sed -i 's/\\r$//' on that file",
    ),
    Mistake(
        r"(?i)(your|my|insert|enter|paste|replace|change)[-_ ]?(\w+[-_ ])*(token|key|secret|password|here|me)"
        r"|x{4,}|\*{3,}|redacted|placeholder",
        "is a placeholder out of an example",
        "put the value itself in its place",
    ),
)


def check_secret(secret: str, remedy: str) -> None:
    """``remedy``: how to name a file that holds it. Raises ConfigError, which does not show the secret."""
    for mistake in MISTAKES:
        if re.fullmatch(mistake.looks, secret):
            raise ConfigError(f"the value {mistake.what}", f"{mistake.remedy}; if it is right: {remedy}")
    if secret.startswith("/") and os.path.isfile(secret):
        raise ConfigError("the value is the path of a file, and not what it holds", remedy)
