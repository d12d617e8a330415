"""What was given on the command line of ``dns01 init``, and the word that a person means by what is typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import ConfigError


@dataclass(frozen=True)
class Options:
    """What was given on the command line; None or empty where nothing was."""

    domains: tuple[str, ...]
    client: str | None
    provider: str | None
    account: str | None
    settings: tuple[str, ...]
    secrets: tuple[str, ...]
    source: str | None
    email: str | None
    ca: str | None
    staging: bool | None
    cli_ini: bool
    doctor: bool
    order: bool | None
    yes: bool
    bind: bool | None
    renewal: bool | None


def one_of(typed: str, words: Sequence[str]) -> str:
    """The word that is meant: itself, or how it begins, if no other begins so. Raises ConfigError."""
    beginning = typed.strip().lower()
    found = [word for word in words if word == beginning] or [
        word for word in words if beginning and word.startswith(beginning)
    ]
    if len(found) == 1:
        return found[0]
    problem = f"{typed!r} is none of them" if typed else "nothing was chosen"
    raise ConfigError(problem, f"one of: {', '.join(words)}")
