"""What is pasted beside a secret, or in its place, is told from the secret itself."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from ...errors import ConfigError


class Mistake(NamedTuple):
    """How a value looks that cannot be meant as it is, what it then is, and the way out."""

    looks: str  # a regular expression for all of it
    what: str
    remedy: str


ASSIGNMENT = r"(?:export +)?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+="  # in front of a value that is not empty
MISTAKES: Sequence[Mistake] = (
    Mistake(
        rf"{ASSIGNMENT}[^=\s].*",
        "is a whole line, with the name of a variable and = in front",
        "write what comes after the =, and nothing else",
    ),
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
        r"(?i)(your|my|insert|enter|paste|replace|change)[-_ ]?([a-z0-9]+[-_ ])*"
        r"(token|key|secret|password|here|me)"
        r"|x{4,}|\*{3,}|redacted|placeholder",
        "is a placeholder out of an example",
        "put the value itself in its place",
    ),
)


def check_secret(secret: str, remedy: str) -> None:
    """Refuse what is no secret by itself: quotes around it, a header, a placeholder. ``remedy``: how to name
    a file that holds it. Raises ConfigError, which does not show the secret."""
    import re  # which most secrets can do without

    for mistake in MISTAKES if _is_suspect(secret) else ():
        if re.fullmatch(mistake.looks, secret):
            raise ConfigError(f"the value {mistake.what}", f"{mistake.remedy}; if it is right: {remedy}")
    if secret.startswith("/") and os.path.isfile(secret):
        raise ConfigError("the value is the path of a file, and not what it holds", remedy)


def _is_suspect(secret: str) -> bool:
    """Whether a closer look is worth while: a key is most often one word that has digits in it."""
    is_word = secret.replace("-", "").replace("_", "").isalpha()
    is_word = is_word or ("=" in secret and "_" in secret.partition("=")[0])
    return is_word or secret[:1] in "\"'“‘<*" or " " in secret or secret.endswith("\r")  # noqa: RUF001
