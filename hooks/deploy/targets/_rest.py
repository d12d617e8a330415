"""What targets with a JSON API have in common: tries within a budget, DeployError for what fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .... import output
from ....errors import ConfigError, DeployError, ProviderError
from ....providers.rest import Rest
from .base import CertificateFiles

T = TypeVar("T")
A = TypeVar("A", bound=Rest)


def attempt(api: Rest, about: str, step: Callable[[], T]) -> T:
    """Repeat the step within the API's budget: it looks first, and does what is still lacking.

    Raises DeployError.
    """
    try:
        return api.attempt(about, step)
    except (ProviderError, ConfigError) as error:
        raise DeployError(str(error), error.hint) from None


class ApiTarget(Generic[A]):
    """The half of a target that has an ``api`` and says what would change, and does it, within its budget."""

    api: A

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        return attempt(self.api, bundle.name, lambda: self._changes(bundle))

    def install(self, bundle: CertificateFiles) -> None:
        attempt(self.api, bundle.name, lambda: self._install(bundle))

    def _changes(self, bundle: CertificateFiles) -> Sequence[str]:
        raise NotImplementedError

    def _install(self, bundle: CertificateFiles) -> None:
        raise NotImplementedError


def warn(api: Rest) -> None:
    """Warn of an API address that is dubious (HTTP to another host)."""
    for warning in api.warnings:
        output.warning(warning)
