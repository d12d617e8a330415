"""What targets with a JSON API have in common: tries within a budget, DeployError for what fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .... import output
from ....errors import ConfigError, DeployError, ProviderError
from ....providers.rest import Rest

T = TypeVar("T")


def attempt(api: Rest, about: str, step: Callable[[], T]) -> T:
    """Repeat the step within the API's budget: it looks first, and does what is still lacking.

    Raises DeployError.
    """
    try:
        return api.attempt(about, step)
    except (ProviderError, ConfigError) as error:
        raise DeployError(str(error), error.hint) from None


def warn(api: Rest) -> None:
    """Say what is dubious about where the API is."""
    for warning in api.warnings:
        output.warning(warning)
