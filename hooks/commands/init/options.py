"""What was given on the command line of ``dns01 init``."""

from __future__ import annotations

from dataclasses import dataclass


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
