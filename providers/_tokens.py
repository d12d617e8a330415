"""Access tokens that expire: one for all requests of a process, replaced once it is refused.

The other half of a provider that wants one::

    class Provider(Tokens, RRsetProvider):
        def grant(self) -> Any:
            return self.issuer("https://issuer.example").request("POST", ("token",), form={...})
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Self

from ..errors import AuthRejected, ConfigError, Unreachable
from ..regular_file import read_regular
from ..secret import hide, shown
from ._http.responses import words_in
from .rest import Rest

LONGEST_TOKEN = 65536  # characters
MARGIN = 60.0  # seconds that a token has to live when it is used


def token_in(path: str, variable: str, hint: str) -> str:
    """The token that another program keeps in a file, and replaces every hour or so. Raises ConfigError."""
    try:
        token = read_regular(path, LONGEST_TOKEN).decode().strip()
    except (OSError, ValueError):
        raise ConfigError(f"{variable}: {shown(path)} cannot be read", hint) from None
    if not token:
        raise ConfigError(f"{variable}: {shown(path)} holds no token", hint)
    hide(token)
    return token


class Tokens(Rest):
    """A subclass says ``grant``, and ``credentials`` if the token is not sent as a bearer token."""

    clock: Callable[[], float] = staticmethod(time.time)

    _token = ""
    _expiry = 0.0

    def grant(self) -> Any:
        """A token, as RFC 6749 §5.1 has it: ``access_token``, and ``expires_in`` (seconds)."""
        raise NotImplementedError

    def issuer(self, url: str) -> Self:
        """The session that asks the token endpoint, with the account's own credentials."""
        issuer = copy(self)
        issuer._base = url.rstrip("/")
        issuer._token = ""
        issuer._session = copy(self._session)
        issuer._session.auth = lambda request: request  # which keeps ~/.netrc out as well
        return issuer

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    def token(self) -> str:
        """The one in use, or a new one if that is about to expire."""
        if self.clock() > self._expiry:
            granted = self.grant()
            self._token = granted["access_token"]
            self._expiry = self.clock() + float(granted["expires_in"]) - MARGIN
            self._secrets.append(self._token)
            hide(self._token)
        return self._token

    def request(self, method: str, path: Sequence[str], *args: Any, **more: Any) -> Any:
        """With a new token, once, if one that was in use is refused: it may have been revoked."""
        in_use = self._token
        try:
            return super().request(method, path, *args, **more)
        except AuthRejected:
            if not in_use:
                raise
        self._expiry = 0.0
        return super().request(method, path, *args, **more)


class CloudTokens(Tokens):
    """Access tokens of a cloud, whose own machines are given them without any key."""

    keyless = True

    def metadata(self, url: str, path: Sequence[str], headers: Mapping[str, str], **query: str) -> Any:
        """What this machine's own cloud has for it. No proxy has it.

        Raises ConfigError where there is no such cloud.
        """
        local = self.issuer(url)
        local._session.trust_env = False
        local.timeout, local.budget = min(self.timeout, 5.0), 10.0
        try:
            return local.attempt(self._about, lambda: local.request("GET", path, query, headers=headers))
        except Unreachable as error:
            raise ConfigError(
                f"{error}; and no credentials are given",
                f"the cloud's own machines alone do without: set {self._keys()[0].env[0]}",
            ) from None

    def is_rejection(self, status: int, body: Any) -> bool:
        """Issuers say it with 400 as well, and in their own form (RFC 6749 §5.2)."""
        by_issuer = isinstance(body, dict) and isinstance(body.get("error"), str)
        return super().is_rejection(status, body) or (status == 400 and by_issuer)

    def words(self, body: Any) -> str:
        reasons = [*words_in(body)]
        if isinstance(body, dict) and "error_description" in body:
            reasons.append(str(body["error_description"]))
        return ", ".join(dict.fromkeys(reasons))
