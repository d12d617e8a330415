"""Requests to one of AWS's services, as targets make them: what goes wrong is a DeployError."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from .... import aws
from ....errors import ConfigError, DeployError, ProviderError


class RefusedByAws(DeployError):
    """AWS does not do it, and has a reason of its own: ``code`` is its name for that."""

    def __init__(self, message: str, hint: str, *, code: str) -> None:
        super().__init__(message, hint)
        self.code = code


class AwsService:
    """One service, as boto3 calls it, for one set of credentials. Raises ConfigError; no request is made
    before one is needed."""

    def __init__(self, name: str, options: Mapping[str, str]) -> None:
        self._name = name
        self._account = aws.AwsAccount(options)

    @property
    def region(self) -> str:
        """The region that its requests go to."""
        return self._account.region

    def do(self, action: str, resource: str, **terms: Any) -> Any:
        """One request. ``resource``: what it is about, for a person. Raises DeployError; it is a
        RefusedByAws where AWS has a reason of its own."""
        from botocore import xform_name

        try:
            with self._account.asking(f"{self._name}:{action}", resource):
                return getattr(self._client, xform_name(action))(**terms)
        except aws.AwsRefused as refused:
            raise RefusedByAws(str(refused), refused.hint, code=refused.code) from None
        except (ProviderError, ConfigError) as error:
            raise DeployError(str(error), error.hint) from None

    def having(self, field: str, action: str, resource: str, **terms: Any) -> Any:
        """Call the service, whose answer has to have that field: boto3 takes what is no JSON for an answer
        without any, which is not the same as an empty list."""
        response = self.do(action, resource, **terms)
        if field not in response:
            raise DeployError(
                f"AWS answers {self._name}:{action} about {resource} without {field}",
                "something else may be answering in its place, such as a proxy; or try again later",
            )
        return response

    @cached_property
    def _client(self) -> Any:
        return self._account.client(self._name)


def tags_in(options: Mapping[str, str]) -> list[Mapping[str, str]]:
    """What the table ``tags`` of a target says, as AWS takes it."""
    given = {key.removeprefix("tags."): tag for key, tag in options.items() if key.startswith("tags.")}
    return [{"Key": key, "Value": tag} for key, tag in given.items()]
