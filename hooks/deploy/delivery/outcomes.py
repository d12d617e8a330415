"""What becomes of what is installed: its service is reloaded, and it has arrived or goes back."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from .... import output
from ....errors import DeployError, StateError, hint_of
from ....secret import redact
from . import reload
from .ledger import TOUCHED, UNTOUCHED, Delivery, DeliveryStep, Ledger
from .reload import Job, Services


class Outcomes:
    """Writes the outcomes of one call into the ledger; ``arrived`` and ``failed`` list them.

    ``clock``: epoch seconds.
    """

    def __init__(self, ledger: Ledger, services: Services, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._services = services
        self._clock = clock
        self.arrived: list[Delivery] = []
        self.failed: list[Delivery] = []

    def conclude(self, jobs: Iterable[Job]) -> None:
        """Reload each service once, however many of the jobs are its, and see that it shows the new
        certificates. A job that fails goes back, and into the ledger with its error."""
        groups: dict[tuple[str, tuple[str, ...]], list[Job]] = defaultdict(list)
        for job in jobs:
            groups[job.deployment.machine, job.deployment.reload].append(job)
        for group in groups.values():
            self._conclude_group(group)

    def _conclude_group(self, group: Sequence[Job]) -> None:
        try:
            with self._ledger.lock(job.deployment for job in group):
                # Another process may have brought something newer since.
                ours = [job for job in group if self._ledger.find_pending(job.delivery) == job.delivery]
                if ours:
                    self._reload(ours)
        except StateError as error:
            for job in group:
                self.fail(job.delivery, error)

    def _reload(self, group: Sequence[Job]) -> None:
        """Reload the one service of all of these. What it does not take goes back, and it is
        reloaded again."""
        refused = self._services.refusals(group)
        for job in group:
            if all(job is not each for each, _ in refused):
                self.succeed(job, "done")
        failures = [(job, self.take_back(job, error)) for job, error in refused]
        after = ""
        if failures and group[0].deployment.reload:
            again = [job for job, _ in failures]
            try:
                self._services.call(group[0].deployment.reload, again, "the reload after that")
            except DeployError as error:
                after = f"; {error}"
        for job, failure in failures:
            self.fail(job.delivery, DeployError(f"{failure}{after}", failure.hint))

    def come_to(self, step: DeliveryStep, job: Job) -> Job:
        """Write down the step that the delivery has come to. Gives the job with it. Raises StateError."""
        delivery = job.delivery._replace(step=step)
        self._ledger.keep([delivery])
        return job._replace(delivery=delivery)

    def succeed(self, job: Job, words: str) -> None:
        """Write down that the delivery has arrived, and show ``words``. Raises StateError."""
        reload.commit(job)
        arrived = job.delivery._replace(since=float(self._clock()), tries=0, error="", forced=False)
        self._ledger.done(arrived)
        self.arrived.append(arrived)
        output.step(f"{arrived.title}: {words}")

    def fail(self, delivery: Delivery, error: Exception) -> None:
        """Write down the error of a delivery, which stays pending, and show it. Raises StateError."""
        failed = (self._ledger.find_pending(delivery) or delivery)._replace(
            error=redact(reload.message_of(error))
        )
        self._ledger.keep([failed])
        self.failed.append(failed)
        output.warning(f"{failed.title}: {failed.error}; a later call tries again")
        if hint := hint_of(error):
            output.warning(hint)
        if os.environ.get("DNS01_DEBUG"):
            output.trace(error)

    def take_back(self, job: Job, error: Exception) -> DeployError:
        """Bring back what was there before, even if the ledger cannot be written. Gives the error that
        the job has failed with."""
        with suppress(StateError):
            if reload.can_go_back(job):
                self.come_to(TOUCHED, job)  # not INSTALLED any more, for whoever takes it up from here
        back, failure = reload.take_back(job, error)
        with suppress(StateError):
            if back:
                self.come_to(UNTOUCHED, job)
        return failure
