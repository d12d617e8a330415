"""What the large clouds have in common: access tokens, zones of one name, guarded writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from ..errors import ConfigError, ProviderError, Unreachable
from ._http.answers import words_in
from ._tokens import Tokens
from .base import Zone, longest_suffix
from .rest import Refused
from .rrsets import RRset, RRsetProvider

SAME_REFUSALS = 4  # of one and the same change, before their reason is believed


class Cloud(Tokens, RRsetProvider):
    """A subclass says ``grant`` (``_tokens.py``), ``swap``, ``zones`` and ``read``.

    Machines that know nothing of each other may write to one name: the API refuses to replace an
    RRset that is not the one which was read, and then it is read again.
    """

    keyless = True
    guarded = True
    overtaken: ClassVar[Sequence[int]] = (409, 412)  # statuses: what was read no longer stands there

    def swap(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """Have ``new`` in the place of exactly ``old``, or raise Refused."""
        raise NotImplementedError

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

    def zone_for(self, name: str) -> Zone:
        """Raises ProviderError where several zones have the name: one of them alone is delegated to."""
        zones = self.attempt(name, self.zones_seen)
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
            if refusal.status not in self.overtaken or not self.is_lost_race(refusal):
                raise
            # Where the very same is refused again and again, nobody was faster: the reason is another.
            self._refused[name, old, new] += 1
            if self._refused[name, old, new] >= SAME_REFUSALS:
                raise

    def is_lost_race(self, refusal: Refused) -> bool:
        """Whether a refusal with one of those statuses may mean that what was read no longer stands there."""
        return True

    @cached_property
    def _refused(self) -> Counter[tuple[str, RRset | None, RRset | None]]:
        return Counter()
