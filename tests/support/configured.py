"""What the tests of the configuration read, and what it is refused for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.config.load import load_settings
from dns01.hooks.config.settings import Account, Settings

VARIABLES = {"DNS01_CONFIG": "", "DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": "192.0.2.53"}
ACCOUNT = '[account.web]\nprovider = "rfc2136"\nnameserver = "192.0.2.53"\n'
TWO = ACCOUNT + '[account.mail]\nprovider = "standalone"\n'


def from_file(file: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    file.write_text(text)
    file.chmod(0o600)
    return load_settings({"DNS01_CONFIG": str(file), **(environ or {})})


def called(accounts: Iterable[Account]) -> list[str]:
    return [account.name for account in accounts]


def refusal(environ: Mapping[str, str], default: Path | str = "") -> tuple[str, str]:
    """What the error says, and its hint."""
    with pytest.raises(ConfigError) as caught:
        load_settings(environ, str(default))
    return str(caught.value), caught.value.hint


def refusal_of(file: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        from_file(file, text, environ)
    assert str(caught.value).startswith(f"{file}: ")
    return str(caught.value).removeprefix(f"{file}: "), caught.value.hint


def secret_file(path: Path, text: str = "aHVzaCBodXNo", mode: int = 0o600) -> Path:
    path.write_text(text + "\n")
    path.chmod(mode)
    return path
