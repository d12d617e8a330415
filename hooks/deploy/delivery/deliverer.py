"""Delivers certificates to their targets: check, install, test, reload, verify, or back to the old.

Each step is in the ledger before it is taken, and under the target's lock: a kill at any instant
leaves a pending delivery that a later call takes up. What fails goes back as far as the target can,
stays pending, and stops no other target.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from .... import output
from ....errors import DeployError
from ....threads import side_by_side
from ...clients.call import Certificate
from ...clients.process import ClientProcess
from ...state.liveness import is_due
from ..certificate.differences import recorded
from ..collisions import check_delivery
from ..section import Deployment, targets_for
from ..targets.base import CertificateFiles, SilentMachine
from . import certificate_files as bundles
from .ledger import INSTALLED, TOUCHED, UNTOUCHED, Delivery, Ledger
from .outcomes import Outcomes
from .presence import is_there, lost_with, opened, warn_of_another
from .reload import Job, Services

MACHINES_AT_ONCE = 8  # machines that are worked on side by side, where no section says fewer or more

Step = tuple[str, Callable[[], list[Job]]]  # the machine that it is about, and what is done


class Deliverer:
    """Delivers certificates to the configured targets, for one call.

    ``client``: in whose run; None by hand, or where that cannot be told. ``clock``: epoch seconds.
    """

    def __init__(
        self,
        deployments: Sequence[Deployment],
        ledger: Ledger,
        client: ClientProcess | None,
        clock: Callable[[], float] = time.time,
        services: Services | None = None,
    ) -> None:
        self._deployments = deployments
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._services = services or Services()
        self._at_once = min((each.at_once for each in deployments if each.at_once), default=MACHINES_AT_ONCE)
        self._silent: dict[str, SilentMachine] = {}
        self._outcomes = Outcomes(ledger, self._services, clock)

    @property
    def arrived(self) -> list[Delivery]:
        """The deliveries of this call that have arrived."""
        return self._outcomes.arrived

    @property
    def failed(self) -> list[Delivery]:
        """The deliveries of this call that have failed, and are pending."""
        return self._outcomes.failed

    def targets(self, certificate: Certificate) -> list[Deployment]:
        """The deployments that the configuration has for the certificate."""
        return targets_for(self._deployments, certificate)

    def deliver(
        self,
        certificate: Certificate,
        targets: Sequence[Deployment],
        *,
        queue: bool = False,
        force: bool = False,
        look: bool = False,
    ) -> None:
        """Bring the certificate to the targets; what does not arrive is pending then.

        ``queue``: services are left to ``end_run``, but for those of targets whose failure is to be
        known at once. ``force``: what is there already is brought once more. ``look``: the target itself is
        asked whether it is there, beside the ledger. Raises StateError.
        """

        def conclude(jobs: Sequence[Job]) -> None:
            later = [job for job in jobs if queue and self._client and _can_wait(job.deployment)]
            self._outcomes.conclude([job for job in jobs if job not in later])
            for job in later:
                output.step(f"{job.delivery.title}: installed; its service is reloaded at the end of the run")

        self._on_each_machine(self._attempts(certificate, targets, force=force, look=look), conclude)

    def retry(self, *, everything: bool = False) -> None:
        """Try again what earlier runs have left, each once in a run; ``everything``: whoever left
        it. Raises StateError."""
        self._take_up_all(self._left(everything))

    def end_run(self) -> None:
        """Reload the services that the calls of this run have queued, each once, and ``retry``.
        Raises StateError."""
        queued = [
            delivery
            for delivery in self._ledger.pending()
            if delivery.step == INSTALLED and self._client and delivery.client == self._client
        ]
        left = [delivery for delivery in self._left(everything=False) if delivery not in queued]
        self._take_up_all([*queued, *left])

    def would_change(self, certificate: Certificate, deployment: Deployment) -> Sequence[str]:
        """What ``deliver`` would change, a line for each thing; nothing is touched.

        Raises HookError where it would fail before that.
        """
        bundle = bundles.read(certificate)
        delivery = _delivery(certificate, deployment)
        check_delivery(deployment, certificate.domain, self._deployments)
        if not self._ledger.find_pending(delivery) and is_there(
            self._ledger, delivery, deployment, bundle, look=True
        ):
            return []
        changes = opened(deployment, bundle).changes(bundle)
        differences = lost_with(self._ledger, delivery, bundle) if changes else ()
        return [*(f"careful: {line}" for line in differences), *changes]

    def missing(self, certificate: Certificate) -> list[Deployment]:
        """The certificate's targets that do not have it, by the ledger. Raises DeployError and StateError."""
        bundle = bundles.read(certificate)
        wanted = [(each, _delivery(certificate, each)) for each in self.targets(certificate)]
        return [
            deployment
            for deployment, delivery in wanted
            if self._ledger.find_pending(delivery) or not is_there(self._ledger, delivery, deployment, bundle)
        ]

    def undelivered(self, certificate: Certificate) -> list[Deployment]:
        """Which of its targets no certificate of its name was ever brought to. Raises StateError."""
        wanted = [(each, _delivery(certificate, each)) for each in self.targets(certificate)]
        return [deployment for deployment, delivery in wanted if not self._ledger.find_deployed(delivery)]

    def left(self) -> list[tuple[Certificate, list[Deployment]]]:
        """Which certificates are pending, and for which targets."""
        return [(delivery.certificate, self._where(delivery)) for delivery in self._ledger.pending()]

    def aborting(self) -> list[Delivery]:
        """The failed deliveries that are to end the client's run (``on_failure = "abort"``)."""
        return [each for each in self.failed if any(where.aborts for where in self._where(each))]

    # Bringing it there

    def _attempts(
        self,
        certificate: Certificate,
        targets: Iterable[Deployment],
        *,
        force: bool = False,
        look: bool = False,
    ) -> list[Step]:
        """The steps that install and test, which give what has come so far that its service can be reloaded.
        From here on, all of it is pending."""
        now = float(self._clock())
        wanted = [(deployment, _delivery(certificate, deployment)) for deployment in targets]
        self._ledger.keep(
            delivery._replace(since=now, tried=now, client=self._client)
            for _, delivery in wanted
            if not self._ledger.find_pending(delivery)
        )
        return [
            (deployment.machine, partial(self._attempt, deployment, delivery, force, look))
            for deployment, delivery in wanted
        ]

    def _on_each_machine(self, steps: Iterable[Step], conclude: Callable[[Sequence[Job]], None]) -> None:
        """Take the steps for each machine one after the other, and conclude them; several machines side by
        side, this one first."""
        lanes: dict[str, list[Callable[[], list[Job]]]] = {"": []}
        for machine, step in steps:
            lanes.setdefault(machine, []).append(step)

        def work(lane: Sequence[Callable[[], list[Job]]]) -> None:
            conclude([job for step in lane for job in step()])

        side_by_side([partial(work, lane) for lane in lanes.values() if lane], self._at_once, each=True)

    def _attempt(self, deployment: Deployment, wanted: Delivery, force: bool, look: bool) -> list[Job]:
        try:
            if silent := self._silent.get(deployment.machine):
                raise silent
            with self._ledger.lock([deployment]):
                now = float(self._clock())
                # Another process may just have brought it, or the certificate before this one.
                delivery = self._ledger.find_pending(wanted) or wanted._replace(since=now)
                delivery = delivery._replace(
                    certificate=wanted.certificate,
                    tried=now,
                    tries=delivery.tries + 1,
                    client=self._client,
                    forced=force or delivery.forced,
                )
                self._ledger.keep([delivery])
                check_delivery(deployment, delivery.certificate.domain, self._deployments)
                return self._install(delivery, deployment, bundles.read(delivery.certificate), look)
        except Exception as error:
            if isinstance(error, SilentMachine):
                self._silent[deployment.machine] = error
            self._outcomes.fail(wanted, error)
            return []

    def _install(
        self, delivery: Delivery, deployment: Deployment, bundle: CertificateFiles, look: bool
    ) -> list[Job]:
        force = delivery.forced
        digest = bundles.digest(bundle, deployment)
        if delivery.step == INSTALLED and delivery.digest == digest:
            return [Job(delivery, deployment, deployment.target(), bundle)]
        if (
            delivery.step == UNTOUCHED
            and not force
            and is_there(self._ledger, delivery, deployment, bundle, look)
        ):
            self._ledger.forget(delivery)
            output.step(f"{delivery.title}: it is there already")
            return []
        warn_of_another(self._ledger, delivery)
        target = opened(deployment, bundle)
        changes = target.changes(bundle)
        delivery = delivery._replace(
            digest=digest,
            fingerprint=bundle.facts.fingerprint,
            traits=recorded(bundle.fullchain),
            differences=lost_with(self._ledger, delivery, bundle),
        )
        if delivery.step == UNTOUCHED and not changes and not force:
            self._outcomes.succeed(Job(delivery, deployment, target, bundle), "all of it is there already")
            return []
        job = self._outcomes.come_to(TOUCHED, Job(delivery, deployment, target, bundle))
        for line in delivery.differences:
            output.warning(f"{delivery.title}: careful: {line}")
        for change in changes:
            output.step(f"{delivery.title}: {change}")
        if changes or force:
            target.install(bundle)
        if deployment.test:
            try:
                self._services.call(deployment.test, [job], "the test")
            except DeployError as error:
                raise self._outcomes.take_back(job, error) from None
        return [self._outcomes.come_to(INSTALLED, job)]

    # What was left

    def _left(self, everything: bool) -> list[Delivery]:
        return [
            delivery
            for delivery in self._ledger.pending()
            if everything or is_due(delivery.client, delivery.tried, self._clock())
        ]

    def _take_up_all(self, deliveries: Iterable[Delivery]) -> None:
        steps = [(self._machine(delivery), partial(self._take_up, delivery)) for delivery in deliveries]
        self._on_each_machine(steps, self._outcomes.conclude)

    def _take_up(self, delivery: Delivery) -> list[Job]:
        targets = self._where(delivery)
        jobs = [job for _, step in self._attempts(delivery.certificate, targets, look=True) for job in step()]
        if not targets:
            output.warning(f"{delivery.title}: given up, for no such target is configured any more")
        if not targets or not delivery.target:
            self._ledger.forget(delivery)
        return jobs

    def _machine(self, delivery: Delivery) -> str:
        """Which one it is for; this one, where there may be several."""
        where = self._where(delivery)
        return where[0].machine if delivery.target and where else ""

    def _where(self, delivery: Delivery) -> list[Deployment]:
        """Its target, if that is still configured; all of the certificate's, if the configuration
        could not be read at first."""
        if not delivery.target:
            return self.targets(delivery.certificate)
        return [each for each in self._deployments if (each.pattern, each.name) == delivery.key[1:]]


def _can_wait(deployment: Deployment) -> bool:
    return bool(deployment.reload) and not deployment.aborts


def _delivery(certificate: Certificate, deployment: Deployment) -> Delivery:
    return Delivery(certificate, deployment.pattern, deployment.name)
