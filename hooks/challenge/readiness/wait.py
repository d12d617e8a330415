"""From published to ready: the waits between them, in their order (docs/readiness.rst)."""

from __future__ import annotations

from collections.abc import Sequence

from ...state.audit.record import Steps
from ...state.journal import Entry
from .ca_cache import open_elsewhere
from .stages import ReadinessStages, unready


class ReadinessWait(ReadinessStages):
    """Waits for what one call, or one run of certbot's, has published."""

    def until_ready(self, entries: Sequence[Entry], steps: Steps, *, published: Sequence[Entry]) -> list[str]:
        """Returns when the CA may ask for the entries. ``published``: those of them that this very
        process published, so that their provider can have a word of its own about them.

        Gives the names that were *degraded*: resolvers decided, as their servers could not be asked.
        Raises NotReady, and what that word may raise.
        """
        if not entries:  # the CA still holds every authorization
            return []
        places = self._places.find(entry.name for entry in entries)
        with steps("settled"):
            self._for_providers(places.values())
        by_resolvers = [entry for entry in entries if places[entry.name].readiness == "resolvers"]
        by_servers = [entry for entry in entries if entry not in by_resolvers]
        barred: list[Entry] = []
        shown: dict[str, int] = {}
        if by_servers:
            with steps("ready"):
                watch = self._for_servers(by_servers, places, {entry.target for entry in published})
            barred = unready(by_servers, watch)
            shown = watch.ttls()
        if barred:
            with steps("degraded"):
                self._for_elsewhere(barred, places, watch)
        if by_resolvers:
            with steps("degraded"):
                self._for_resolvers_alone(by_resolvers, places)
        with steps("settle"):
            self._for_caches(entries, places, open_elsewhere(self._journal, self._client), shown)
        with steps("public"):
            self._for_public_resolvers([entry for entry in by_servers if entry not in barred], places)
        return list(dict.fromkeys(entry.name for entry in (*barred, *by_resolvers)))
