"""``dns01 issue`` from beginning to end: the place to start reading in this room.

Which certificates there are to be, which of them are due, and one wave for those.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from ... import output
from ...errors import ConfigError
from ..state.folder import state_dir
from .acme.account import account_url
from .inventory.read import WantedCertificate, read_inventory
from .order_state import OrderStates
from .planning.limits import Budget, limits_of
from .planning.plan import make_plan, read_leaves
from .planning.renewal_windows import refresh_windows
from .report import Report
from .section import load_ca, load_issue
from .wave.wave_run import WaveRun


class IssueRun:
    """One call of ``dns01 issue`` on one machine."""

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self._environ = environ
        self._clock = clock
        self._state = state_dir(environ)
        self._states = OrderStates(self._state)
        self._ca = load_ca(environ)
        self._section = load_issue(environ)
        self._wave = WaveRun(environ, self._ca, self._section.folder, self._states, clock)

    def plan(self, names: Sequence[str] = (), *, force: bool = False) -> Report:
        """What would be done now. Nothing is ordered or published; the CA is asked for its renewal
        windows. ``names``: only these certificates; ``force``: even if they are not due or have failed."""
        with self._wave.steps("plan"):
            inventory = read_inventory(self._section, self._environ, self._wave.settings.accounts)
            wanted = _chosen(inventory.certificates, names)
            leaves = read_leaves(self._section.folder, wanted)
            now = self._clock()
            present = [leaf for leaf in leaves.values() if leaf]
            windows = refresh_windows(present, self._ca, self._state, now, warn=output.warning)
            account = account_url(self._ca, self._state) or self._ca.directory
            budget = Budget(limits_of(self._ca.directory), self._states.events(account, now))
            forced = [each.name for each in wanted] if force else ()
            kept = self._states.all()
            planned = make_plan(wanted, leaves, kept, windows, self._ca, budget, now, forced)
        return Report(self._wave.without_hopeless(planned), inventory.rejected)

    def issue(self, names: Sequence[str] = (), *, force: bool = False) -> Report:
        """Do all that is due. Raises HookError where nothing at all can be done."""
        with self._states.lock():
            self._states.prune(self._clock())
            return self._wave.run(self.plan(names, force=force))


def _chosen(certificates: Iterable[WantedCertificate], names: Sequence[str]) -> list[WantedCertificate]:
    known = {each.name: each for each in certificates}
    for name in names:
        if name not in known:
            raise ConfigError(f"no certificate is called {name}", "`dns01 issue --dry-run` shows them all")
    return [known[name] for name in names] if names else list(known.values())
