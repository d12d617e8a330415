"""``dns01 issue`` on one machine of a fleet: lease what is due, one wave for that, until nothing is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from .... import output
from ....errors import HookError
from ...deploy.certificate.leaf import Leaf
from ...state.folder import state_dir
from ..acme.account import account_url, sign_in
from ..files import current
from ..inventory.read import Inventory, WantedCertificate, from_rows
from ..order_state import OrderState
from ..planning.due import due
from ..planning.limits import Budget, limits_of
from ..planning.plan import Planned, make_plan
from ..planning.renewal_windows import RenewalWindow, ask_windows
from ..report import Report
from ..section import load_ca, load_issue
from ..wave.wave_run import WaveRun
from .database import Connection, Database
from .leases import CertificateRow, Leases
from .section import FleetSection
from .states import FleetStates

LEFT = "it has not been brought to its targets"
REJECTED_PAUSE = 3600.0  # seconds until a row that makes no sense is looked at again


class FleetRun:
    """One call of ``dns01 issue`` on one machine of several."""

    def __init__(
        self, environ: Mapping[str, str], section: FleetSection, clock: Callable[[], float] = time.time
    ) -> None:
        self._environ = environ
        self._section = section
        self._clock = clock
        self._state = state_dir(environ)
        self._ca = load_ca(environ)
        self._folder = load_issue(environ).folder
        self._database = Database(section.database)
        self._leases = Leases(self._database, section)
        self._states = FleetStates(self._state, self._leases, self._folder, clock)

    def plan(self, names: Sequence[str] = (), *, force: bool = False) -> Report:
        """What would be done now, by whichever machine. No lease is taken, and nothing is ordered."""
        self._database.migrate()
        wave = self._new_wave()
        with wave.steps("plan"):
            rows = self._leases.rows(names)
            inventory = self._inventory(rows, wave)
            account = account_url(self._ca, self._state) or self._ca.directory
            now = self._leases.now()
            planned = self._database.transaction(
                lambda db: self._planned(db, rows, inventory, account, now, force=force)
            )
        return Report(wave.without_hopeless(planned), inventory.rejected)

    def issue(self, names: Sequence[str] = (), *, force: bool = False) -> Report:
        """Do what is due and nobody else is at work on. Raises HookError where nothing can be done."""
        with self._states.lock():
            self._database.migrate()
            reports = [self._deliver_what_is_left()]
            self._refresh_windows()
            done: list[str] = []
            with self._heartbeat():
                while rows := self._leases.take(done, names, force=force):
                    taken = [row.name for row in rows]
                    done += taken
                    try:
                        reports.append(self._issue(rows, force=force))
                    finally:
                        self._leases.release(taken)
            return _merged(reports)

    def _issue(self, rows: Sequence[CertificateRow], *, force: bool) -> Report:
        wave = self._new_wave()
        rows = [row for row in rows if not self._reconciled(row)]
        inventory = self._inventory(rows, wave)
        for row in rows:
            self._leave_alone_if_rejected(row, inventory)
        account = sign_in(self._ca, self._state, self._clock).account
        now = self._leases.now()

        def reserve(db: Connection) -> list[Planned]:
            planned = self._planned(db, rows, inventory, account, now, force=force)
            # The pause is over, or is not to be waited for; whoever writes the state goes by another clock.
            planned = [
                each._replace(kept=each.kept._replace(next_try=0.0)) if each.is_work else each
                for each in planned
            ]
            fresh = [each.wanted.names for each in planned if each.verdict == "order" and not each.replaces]
            self._leases.reserve(db, account, fresh)
            return planned

        planned = self._database.transaction(reserve)
        for each in planned:
            if each.verdict == "limit":
                self._leases.failed(
                    each.wanted.name, each.kept.order, each.kept.failures, each.at - now, each.reason
                )
        return wave.run(Report(wave.without_hopeless(planned), inventory.rejected))

    def _planned(
        self,
        db: Connection,
        rows: Sequence[CertificateRow],
        inventory: Inventory,
        account: str,
        now: float,
        *,
        force: bool,
    ) -> list[Planned]:
        by_name = {row.name: row for row in rows}
        leaves: dict[str, Leaf | None] = {}
        kept: dict[str, OrderState] = {}
        windows: dict[str, RenewalWindow] = {}
        for wanted in inventory.certificates:
            row = by_name[wanted.name]
            same = set(row.names) == set(wanted.names)
            leaves[wanted.name] = row.leaf._replace(names=wanted.names) if row.leaf and same else row.leaf
            kept[wanted.name] = self._kept(row, wanted.name, wanted.names)
            if row.window:
                windows[row.window.id] = row.window
        budget = Budget(limits_of(self._ca.directory), self._leases.events(db, account))
        forced = list(by_name) if force else ()
        return make_plan(inventory.certificates, leaves, kept, windows, self._ca, budget, now, forced)

    def _kept(self, row: CertificateRow, name: str, names: tuple[str, ...]) -> OrderState:
        """The order that is open, by the database; its key, if this machine has it."""
        local = self._states.read(name)
        shared = OrderState(
            name,
            failures=row.failures,
            next_try=row.next_try.timestamp() if row.next_try else 0.0,
            error=row.error,
            undelivered=local.undelivered,
        )
        if not row.order:
            return shared
        if local.order == row.order:
            return local._replace(failures=row.failures, next_try=shared.next_try, error=row.error)
        return shared._replace(names=names, directory=self._ca.directory, order=row.order, begun=1.0)

    def _reconciled(self, row: CertificateRow) -> bool:
        """Whether a run of this machine that was killed, or cut off from the database, has had the
        certificate issued after all."""
        if not row.ours:
            return False
        name = row.name
        leaf = current(self._folder, name)
        if leaf is None or (row.leaf and leaf.not_before <= row.leaf.not_before):
            return False
        self._states.issued(name, leaf)
        return True

    def _inventory(self, rows: Sequence[CertificateRow], wave: WaveRun) -> Inventory:
        return from_rows([row.fields for row in rows], wave.settings.accounts)

    def _leave_alone_if_rejected(self, row: CertificateRow, inventory: Inventory) -> None:
        name = row.name
        for rejected in inventory.rejected:
            if rejected.where == row.fields.where:
                self._leases.failed(name, row.order, row.failures, REJECTED_PAUSE, rejected.message)

    def _deliver_what_is_left(self) -> Report:
        """A key is on no other machine than the one that has had its certificate issued."""
        left = [kept for kept in self._states.all().values() if kept.undelivered]
        planned = [Planned(WantedCertificate(kept.name, ()), kept, "deliver", LEFT) for kept in left]
        return self._new_wave().run(Report(planned, ())) if planned else Report((), ())

    def _refresh_windows(self) -> None:
        claimed = self._leases.claim_windows()
        leaves = {row.name: row.leaf for row in claimed if row.leaf}
        known = {row.window.id: row.window for row in claimed if row.window}
        asked = ask_windows(leaves.values(), known, self._ca, self._leases.now(), warn=output.warning)
        for name, leaf in leaves.items():
            if window := asked.get(leaf.renewal_id):
                self._leases.keep_window(name, window, due(leaf, leaf.names, window).at)

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Hold the leases while there is work; over a connection of its own, so that no wait for
        another statement keeps it from that."""
        over = threading.Event()
        database = Database(self._section.database)
        leases = Leases(database, self._section)

        def beat() -> None:
            while not over.wait(self._section.lease / 3):
                try:
                    leases.renew()
                except HookError as error:
                    output.warning(f"{error}: leases run out in {self._section.lease:.0f} s")

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            database.close()

    def _new_wave(self) -> WaveRun:
        return WaveRun(self._environ, self._ca, self._folder, self._states, self._clock)


def _merged(reports: Sequence[Report]) -> Report:
    return Report(
        [planned for report in reports for planned in report.planned],
        [rejected for report in reports for rejected in report.rejected],
        [issuance for report in reports for issuance in report.issuances],
        [row for report in reports for row in report.delivered],
    )
