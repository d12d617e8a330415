"""What the large clouds have in common: access tokens that expire, zones of one name, guarded writes.

The other half of a provider of theirs::

    class Provider(Cloud):
        def grant(self) -> Any:
            return self.issuer("https://issuer.example").request("POST", ("token",), form={...})
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Self

from ..errors import AuthRejected, ConfigError, ProviderError, Unreachable
from ..secret import hide
from ._http.answers import words_in
from .base import RRset, RRsetProvider, Zone, longest_suffix
from .rest import Refused, Rest

MARGIN = 60.0  # seconds that a token has to live when it is used


class Cloud(Rest, RRsetProvider):
    """A subclass says ``grant``, ``swap``, ``zones`` and ``read``.

    Machines that know nothing of each other may write to one name: the API refuses to replace an
    RRset that is not the one which was read, and then it is read again.
    """

    keyless = True
    overtaken: ClassVar[Sequence[int]] = (409, 412)  # statuses: what was read no longer stands there
    clock: Callable[[], float] = staticmethod(time.time)

    _token = ""
    _expiry = 0.0

    def grant(self) -> Any:
        """A token, as RFC 6749 §5.1 has it: ``access_token``, and ``expires_in`` (seconds)."""
        raise NotImplementedError

    def swap(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """Have ``new`` in the place of exactly ``old``, or raise Refused."""
        raise NotImplementedError

    def issuer(self, url: str) -> Self:
        """The same account, as it speaks to whoever issues its tokens."""
        issuer = copy(self)
        issuer._base = url.rstrip("/")
        issuer._token = ""
        issuer._session = copy(self._session)
        issuer._session.auth = lambda request: request  # which keeps ~/.netrc out as well
        return issuer

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

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if self.clock() > self._expiry:
            granted = self.grant()
            self._token = granted["access_token"]
            self._expiry = self.clock() + float(granted["expires_in"]) - MARGIN
            self._secrets.append(self._token)
            hide(self._token)
        return {"Authorization": f"Bearer {self._token}"}

    def request(
        self,
        method: str,
        path: Sequence[str],
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        form: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """With a new token, once, if one that was in use is refused: it may have been revoked."""
        in_use = self._token
        try:
            return super().request(method, path, query, body, form=form, headers=headers)
        except AuthRejected:
            if not in_use:
                raise
        self._expiry = 0.0
        return super().request(method, path, query, body, form=form, headers=headers)

    def is_rejection(self, status: int, body: Any) -> bool:
        """Issuers say it with 400 as well, and in their own form (RFC 6749 §5.2)."""
        by_issuer = isinstance(body, dict) and isinstance(body.get("error"), str)
        return super().is_rejection(status, body) or (status == 400 and by_issuer)

    def words(self, body: Any) -> str:
        said = [*words_in(body)]
        if isinstance(body, dict) and "error_description" in body:
            said.append(str(body["error_description"]))
        return ", ".join(dict.fromkeys(said))

    def zone_for(self, name: str) -> Zone:
        """Raises ProviderError where several zones have the name: one of them alone is delegated to."""
        zones = self.attempt(name, lambda: list(self.zones()))
        zone = longest_suffix(zones, name, self.whose)
        ids = sorted(each.id for each in zones if each.apex == zone.apex)
        if len(ids) > 1:
            raise ProviderError(
                f"{self.whose}: there are several zones {zone.apex}: {', '.join(ids)}",
                f'say which one its parent delegates to: write [zone."{zone.apex}"] and below it id = "…"',
            )
        return zone

    def write(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        try:
            self.swap(zone, name, old, new)
        except Refused as refusal:
            if refusal.status not in self.overtaken:
                raise
