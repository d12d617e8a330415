"""What one call of ``dns01 issue`` had to do, and what has come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .inventory.read import Rejected
from .planning.plan import Planned
from .wave.issuance import Issuance


class Report(NamedTuple):
    """What there was to be done, and what has come of it. ``delivered``: rows as in the audit trail."""

    planned: Sequence[Planned]
    rejected: Sequence[Rejected]
    issuances: Sequence[Issuance] = ()
    delivered: Sequence[Mapping[str, str]] = ()

    @property
    def all_well(self) -> bool:
        """Whether everything that could be done by now is done."""
        aside = any(each.verdict in ("set aside", "back-off") for each in self.planned)
        failed = any(each.stage in ("failed", "deferred") for each in self.issuances)
        return not (self.rejected or aside or failed or any(row["error"] for row in self.delivered))
