"""The files of credentials that Google's tools write, by their ``type`` (https://google.aip.dev/auth/4110).

A service account's key, a user's refresh token, a token of another identity provider that is exchanged
(workload identity federation, AIP-4117), and any of these in the role of a service account.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from ..errors import ConfigError
from ..secret import hide, read_secret, shown
from ..trusted_file import read_trusted
from ._jwt import signed
from ._private_keys import private_key
from ._tokens import CloudTokens, token_in
from .rest import is_this_host

SCOPE = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
IAM_SCOPE = "https://www.googleapis.com/auth/iam"  # to act as another account
LIFETIME = 3600  # seconds, the longest that is granted without more ado
VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
HINT = (
    "such files are written by `gcloud iam service-accounts keys create` and"
    " `gcloud iam workload-identity-pools create-cred-config`"
)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693 §2.1
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class Credentials(Protocol):
    """Credentials that a file of Google's tools has. ``project``: the project that they belong to, if they
    say it."""

    project: str

    def grant(self, cloud: CloudTokens, scope: str) -> Any:
        """A token for the scope, as RFC 6749 §5.1 has it."""


def read_credentials(path: str) -> Credentials:
    """The credentials in the file. Raises ConfigError; also where others may read a secret that is in it."""
    try:
        content = json.loads(read_trusted(path)[0])
        federated = isinstance(content, dict) and content.get("type") == "external_account"
    except (OSError, ValueError, RecursionError):
        federated = False
    if not federated:  # which has no secret in it
        content = _parsed(read_secret(path, HINT), path)
    try:
        return credentials_of(content)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        lacking = f"it lacks {error}" if isinstance(error, KeyError) else "it is not of the right shape"
        raise ConfigError(f"{VARIABLE}: {path}: {_type_of(content)}{lacking}", HINT) from None
    except ConfigError as error:
        raise ConfigError(f"{VARIABLE}: {path}: {error}", error.hint) from None


def _parsed(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError(f"{VARIABLE}: {path} is not JSON", HINT) from None


def credentials_of(content: Mapping[str, Any]) -> Credentials:
    """What the JSON describes. Raises ConfigError, or what comes of another shape."""
    kind = content["type"]
    if kind not in KINDS:
        raise ConfigError(
            f"credentials of the type {str(kind)[:40]!r} are not supported here",
            f"these are: {', '.join(KINDS)}",
        )
    return KINDS[kind](content)


class ServiceAccountKey:
    """A service account's key, which signs for it (RFC 7523 §2.1)."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        hide(content["private_key"])
        key = private_key(content["private_key"].encode())
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("it is no RSA key")
        self._key, self._id, self._email = key, content["private_key_id"], content["client_email"]
        self.project, self._token_uri = content["project_id"], _url(content["token_uri"])

    def grant(self, cloud: CloudTokens, scope: str) -> Any:
        now = int(cloud.clock())
        times = {"iat": now, "exp": now + LIFETIME}
        claims = {"iss": self._email, "scope": scope, "aud": self._token_uri, **times}
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": signed(self._key, "RS256", {"kid": self._id}, claims),
        }
        return cloud.issuer(self._token_uri).request("POST", (), form=form)


class AuthorizedUser:
    """What ``gcloud auth application-default login`` leaves: a refresh token (RFC 6749 §6)."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._form = {key: _text(content[key]) for key in ("client_id", "client_secret", "refresh_token")}
        for key in ("client_secret", "refresh_token"):
            hide(self._form[key])
        self._token_uri = _url(content.get("token_uri", "https://oauth2.googleapis.com/token"))
        self.project = content.get("quota_project_id", "")

    def grant(self, cloud: CloudTokens, scope: str) -> Any:
        """The scopes are those that the user agreed to; they are in the refresh token."""
        form = {"grant_type": "refresh_token", **self._form}
        return cloud.issuer(self._token_uri).request("POST", (), form=form)


class ExternalAccount:
    """The token of another identity provider, from a file or a URL, is exchanged for one of Google's."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        source = content["credential_source"]
        if strange := source.keys() & {"executable", "environment_id", "certificate"}:
            raise ConfigError(
                f"a credential_source with {', '.join(sorted(strange))} is not supported here",
                "use one with file or url, or a service account's key",
            )
        if not {"file", "url"} & source.keys():
            raise KeyError("file")
        form = source.get("format", {})
        self._field = form["subject_token_field_name"] if form.get("type", "text") == "json" else ""
        if "url" in source and not self._field:
            raise ConfigError(
                "what the URL of its credential_source answers has to be JSON",
                'write "format": {"type": "json", "subject_token_field_name": "…"}',
            )
        self._file, self._source_url = source.get("file", ""), source.get("url", "")
        self._headers = {str(key): str(value) for key, value in source.get("headers", {}).items()}
        self._form = {
            "grant_type": EXCHANGE,
            "audience": _text(content["audience"]),
            "requested_token_type": ACCESS_TOKEN,
            "subject_token_type": _text(content["subject_token_type"]),
        }
        self._token_url = _url(content["token_url"])
        role = content.get("service_account_impersonation_url", "")
        self._role = _Role(_url(role)) if role else None
        self.project = content.get("quota_project_id", "")

    def grant(self, cloud: CloudTokens, scope: str) -> Any:
        wanted = IAM_SCOPE if self._role else scope
        form = {**self._form, "subject_token": self._subject_token(cloud), "scope": wanted}
        granted = cloud.issuer(self._token_url).request("POST", (), form=form)
        return self._role.grant(cloud, granted["access_token"], scope) if self._role else granted

    def _subject_token(self, cloud: CloudTokens) -> str:
        if self._source_url:
            answer = cloud.metadata(self._source_url, (), self._headers)
            hide(token := _text(answer[self._field]))
            return token
        hint = "whoever issues the token puts it there"
        text = token_in(self._file, f"the credential_source of {VARIABLE}", hint)
        if not self._field:
            return text
        try:
            hide(token := _text(json.loads(text)[self._field]))
        except (ValueError, LookupError, TypeError, RecursionError):
            raise ConfigError(
                f"{shown(self._file)} has no {self._field!r} in JSON, where the token is to be",
                "see subject_token_field_name in the file of credentials",
            ) from None
        return token


class ImpersonatedServiceAccount:
    """Other credentials in the role of a service account."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._source = credentials_of(content["source_credentials"])
        url = _url(content["service_account_impersonation_url"])
        self._role = _Role(url, tuple(content.get("delegates") or ()))
        self.project = content.get("quota_project_id", "") or self._source.project

    def grant(self, cloud: CloudTokens, scope: str) -> Any:
        granted = self._source.grant(cloud, IAM_SCOPE)
        return self._role.grant(cloud, granted["access_token"], scope)


class _Role:
    """https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"""

    def __init__(self, url: str, delegates: tuple[str, ...] = ()) -> None:
        self._url, self._delegates = url, delegates

    def grant(self, cloud: CloudTokens, token: str, scope: str) -> Any:
        hide(token)
        body = {"scope": [scope], "lifetime": f"{LIFETIME}s", "delegates": list(self._delegates)}
        headers = {"Authorization": f"Bearer {token}"}
        granted = cloud.issuer(self._url).request("POST", (), body=body, headers=headers)
        expiry = datetime.fromisoformat(granted["expireTime"]).timestamp()
        return {"access_token": granted["accessToken"], "expires_in": expiry - cloud.clock()}


KINDS: Mapping[str, Callable[[Mapping[str, Any]], Credentials]] = {
    "service_account": ServiceAccountKey,
    "authorized_user": AuthorizedUser,
    "external_account": ExternalAccount,
    "impersonated_service_account": ImpersonatedServiceAccount,
}


def _type_of(content: object) -> str:
    if not isinstance(content, dict) or "type" not in content:
        return ""
    return f"it is of the type {str(content['type'])[:40]}, and "


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("it is no text")
    return value


def _url(value: object) -> str:
    """Where tokens are sent: nobody else may read them on the way."""
    url = _text(value)
    if urlsplit(url).scheme != "https" and not is_this_host(url):
        raise ConfigError(f"{url[:80]!r} is not an https:// URL, and a token would be sent there", HINT)
    return url
