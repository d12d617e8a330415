"""One wave from its plan to its record: preparation, orders, publishing, waiting, clean-up, targets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from .... import output
from ....errors import AcmeError, HookError
from ...caa.issuers import Issuer, issuers
from ...challenge.placement import Placements
from ...challenge.publisher import Records
from ...challenge.readiness.by_name import ReadinessByName
from ...clients.process import this_process
from ...config.load import load_settings
from ...config.settings import Settings
from ...state.audit.record import Steps
from ...state.folder import state_dir
from ...state.journal import Journal
from ..acme.account import account_url, forget_account, sign_in
from ..acme.order import Orders
from ..order_state import OrderStates
from ..planning.plan import Planned
from ..report import Report
from ..section import CaSection
from . import audit_entry, deliveries
from .issuance import Issuance
from .preparation import set_aside, with_zones, without_files
from .progress import WaveProgress
from .publication import Publication
from .scheduler import Scheduler
from .wave import Wave

NO_ACCOUNT = "accountDoesNotExist"  # RFC 8555 §6.7


class WaveRun:
    """What one wave works with. ``folder``: that of the certificates."""

    def __init__(
        self,
        environ: Mapping[str, str],
        ca: CaSection,
        folder: str,
        states: OrderStates,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environ = environ
        self._ca = ca
        self._folder = folder
        self._states = states
        self._clock = clock
        self._state = state_dir(environ)
        self._client = this_process("issue")
        self._journal = Journal(self._state)
        self.steps = Steps()
        self._records = Records(self._journal, lambda: self._places, self._client)
        self._zones: Settings | None = None

    @cached_property
    def settings(self) -> Settings:
        """What is configured of accounts and zones. Raises ConfigError."""
        return load_settings(self._environ)

    @cached_property
    def _places(self) -> Placements:
        return Placements(self._zones or self.settings)

    def without_hopeless(self, planned: Sequence[Planned]) -> list[Planned]:
        """The plan with the certificates that cannot succeed set aside, each with its reason."""
        work = [each.wanted for each in planned if each.is_work]
        if not work:
            return list(planned)
        with self.steps("discover"):
            failed: dict[str, HookError]
            self._zones, failed = with_zones(self.settings, work)
            failed |= without_files(work, self._folder)
            issuer = Issuer(issuers(self._ca.directory), account_url(self._ca, self._state))
            rest = [wanted for wanted in work if wanted.name not in failed]
            failed = failed | set_aside(rest, self._places, issuer)
        return [
            each._replace(verdict="set aside", reason=_in_words(failed[each.wanted.name]))
            if each.is_work and each.wanted.name in failed
            else each
            for each in planned
        ]

    def run(self, report: Report) -> Report:
        """Do what is planned, and leave a record of it. Raises HookError where nothing can be done."""
        issuances = [Issuance(each, self._clock) for each in report.planned if each.is_work]
        report = report._replace(issuances=issuances)
        try:
            if issuances:
                self._wave(issuances)
            report = report._replace(delivered=self._deliver(report))
            self._sweep()
        except BaseException as error:
            audit_entry.leave(report, self._records, self.steps, self._environ, error)
            raise
        audit_entry.leave(report, self._records, self.steps, self._environ, None)
        return report

    def _wave(self, issuances: Sequence[Issuance]) -> None:
        client = sign_in(self._ca, self._state, self._clock)
        publication = Publication(self._records, self._places)
        settings = self._zones or self.settings
        waiting = ReadinessByName(
            settings,
            self._places,
            self._journal,
            self._client,
            republish=self._records.publish_again,
        )
        try:
            with Scheduler() as scheduler, WaveProgress(issuances) as progress:
                wave = Wave(
                    Orders(client),
                    self._states,
                    publication,
                    self._ca,
                    self._folder,
                    client.account,
                    scheduler,
                    self._clock,
                )
                with self.steps("order"):
                    wave.open(issuances)
                with self.steps("publish"):
                    wave.publish()
                with self.steps("issue"):
                    wave.answer_as_ready(
                        lambda ready, late, wanted: waiting.until_each_ready(
                            publication.entries, self.steps, ready, late, progress.servers, wanted
                        )
                    )
                output.step(progress.line())
        finally:
            with self.steps("retract"):
                publication.retract()
        self._forget_lost_account(issuances)

    def _forget_lost_account(self, issuances: Sequence[Issuance]) -> None:
        """A CA for trials, or a private one that was set up anew, does not know what it has once made."""
        errors = [each.error for each in issuances]
        if any(isinstance(error, AcmeError) and error.code == NO_ACCOUNT for error in errors):
            forget_account(self._ca, self._state, self._clock())
            output.warning("the CA does not know the account any more: the next run makes another one")

    def _deliver(self, report: Report) -> list[dict[str, str]]:
        """Bring what is issued to its targets, and what an earlier run could not."""
        left = [each.wanted.name for each in report.planned if each.kept.undelivered]
        issued = [each.name for each in report.issuances if each.stage == "issued"]
        names = list(dict.fromkeys((*issued, *left)))
        with self.steps("deploy"):
            rows = deliveries.deliver(names, self._folder, self._environ, self._client)
        self._states.delivered(names)
        return rows

    def _sweep(self) -> None:
        """Take back what a run that was killed has left. Not after a failure of this run's own, which
        would only be had again."""
        if not self._records.kept and (orphans := self._journal.orphans()):
            with self.steps("sweep"):
                self._records.retract(orphans)


def _in_words(error: HookError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)
