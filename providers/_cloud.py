"""What the large clouds have in common: zones of one name, guarded writes, access tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from ..errors import ProviderError
from ._tokens import CloudTokens
from .base import Zone, longest_suffix
from .rest import Refused
from .rrsets import RRset, RRsetProvider

SAME_REFUSALS = 4  # of one and the same change, before their reason is believed


class Cloud(CloudTokens, RRsetProvider):
    """A subclass says ``grant`` (``_tokens.py``), ``swap``, ``zones`` and ``read``.

    Machines that know nothing of each other may write to one name: the API refuses to replace an
    RRset that is not the one which was read, and then it is read again.
    """

    guarded = True
    overtaken: ClassVar[Sequence[int]] = (409, 412)  # statuses: what was read no longer stands there

    def swap(self, zone: Zone, name: str, old: RRset | None, new: RRset | None) -> None:
        """Replace exactly ``old`` by ``new``, or raise Refused."""
        raise NotImplementedError

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
