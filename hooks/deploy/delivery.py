"""Delivers certificates to their targets: check, install, test, reload, verify, or back to the old.

Each step is in the ledger before it is taken, and under the target's lock: a kill at any instant
leaves a pending delivery that a later call takes up. What fails goes back as far as the target can,
stays pending, and stops no other target.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from ... import output
from ...errors import DeployError, StateError, hint_of
from ...secret import redact
from ...threads import side_by_side
from ..clients.call import Certificate
from ..clients.process import Client
from ..state.liveness import is_due
from . import certificate_files as bundles
from . import reload
from .collisions import check_delivery
from .differences import differences_from, recorded
from .ledger import INSTALLED, TOUCHED, UNTOUCHED, Delivery, Ledger
from .reload import Job
from .section import Deployment, targets_for
from .targets.base import Blind, CertificateFiles, Local, SilentMachine, Target

AT_ONCE = 8  # machines that are worked on side by side, where no section says fewer or more

Step = tuple[str, Callable[[], list[Job]]]  # the machine that it is about, and what is done


class Deliverer:
    """Delivers certificates to the configured targets, for one call.

    ``client``: in whose run; None by hand, or where that cannot be told. ``arrived`` and ``failed``
    list the deliveries of this call by their outcome.
    """

    def __init__(
        self,
        deployments: Sequence[Deployment],
        ledger: Ledger,
        client: Client | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._deployments = deployments
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._at_once = min((each.at_once for each in deployments if each.at_once), default=AT_ONCE)
        self._silent: dict[str, SilentMachine] = {}
        self.arrived: list[Delivery] = []
        self.failed: list[Delivery] = []

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
            self._conclude([job for job in jobs if job not in later])
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
        if not self._ledger.find_pending(delivery) and self._is_there(
            delivery, deployment, bundle, look=True
        ):
            return []
        changes = _open(deployment, bundle).changes(bundle)
        differences = self._differences(delivery, bundle) if changes else ()
        return [*(f"careful: {line}" for line in differences), *changes]

    def missing(self, certificate: Certificate) -> list[Deployment]:
        """The certificate's targets that do not have it, by the ledger. Raises DeployError and StateError."""
        bundle = bundles.read(certificate)
        wanted = [(each, _delivery(certificate, each)) for each in self.targets(certificate)]
        return [
            deployment
            for deployment, delivery in wanted
            if self._ledger.find_pending(delivery) or not self._is_there(delivery, deployment, bundle)
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
            self._fail(wanted, error)
            return []

    def _install(
        self, delivery: Delivery, deployment: Deployment, bundle: CertificateFiles, look: bool
    ) -> list[Job]:
        force = delivery.forced
        digest = bundles.digest(bundle, deployment)
        if delivery.step == INSTALLED and delivery.digest == digest:
            return [Job(delivery, deployment, deployment.target(), bundle)]
        if delivery.step == UNTOUCHED and not force and self._is_there(delivery, deployment, bundle, look):
            self._ledger.forget(delivery)
            output.step(f"{delivery.title}: it is there already")
            return []
        self._warn_of_another(delivery)
        target = _open(deployment, bundle)
        changes = target.changes(bundle)
        delivery = delivery._replace(
            digest=digest,
            fingerprint=bundle.facts.fingerprint,
            traits=recorded(bundle.fullchain),
            differences=self._differences(delivery, bundle),
        )
        if delivery.step == UNTOUCHED and not changes and not force:
            self._succeed(Job(delivery, deployment, target, bundle), "all of it is there already")
            return []
        job = self._come_to(TOUCHED, Job(delivery, deployment, target, bundle))
        for line in delivery.differences:
            output.warning(f"{delivery.title}: careful: {line}")
        for change in changes:
            output.step(f"{delivery.title}: {change}")
        if changes or force:
            target.install(bundle)
        if deployment.test:
            try:
                reload.call(deployment.test, [job], "the test")
            except DeployError as error:
                raise self._take_back(job, error) from None
        return [self._come_to(INSTALLED, job)]

    def _is_there(
        self, delivery: Delivery, deployment: Deployment, bundle: CertificateFiles, look: bool = False
    ) -> bool:
        """Whether the last that was brought there is the same, and nobody has removed or replaced it since.
        Files of this machine are looked at in any case, all else only if it is to be. Raises HookError."""
        deployed = self._ledger.find_deployed(delivery)
        if deployed is None or deployed.digest != bundles.digest(bundle, deployment):
            return False
        target = deployment.target()
        if look and not isinstance(target, Blind):
            return not _open(deployment, bundle).changes(bundle)
        return not isinstance(target, Local) or not target.lost(
            deployment.options, bundle.name, bundle.facts.fingerprint
        )

    def _differences(self, delivery: Delivery, bundle: CertificateFiles) -> tuple[str, ...]:
        """What clients of the certificate that is there may miss in the new one."""
        before = self._ledger.find_deployed(delivery)
        if before is None:
            return ()
        if before.fingerprint == bundle.facts.fingerprint:
            return before.differences
        return differences_from(before.traits, bundle.fullchain)

    def _warn_of_another(self, delivery: Delivery) -> None:
        """Two certificates of one domain, an RSA and an ECDSA one, are told apart by their folders alone."""
        before = self._ledger.find_deployed(delivery)
        present = before.certificate.cert if before else delivery.certificate.cert
        if present != delivery.certificate.cert and os.path.exists(present):
            output.warning(
                f"{delivery.title}: it takes the place of {present}, which has the same first name"
            )
            output.warning("if both are in use, write a section for each that is called like its folder")

    # Its service

    def _conclude(self, jobs: Iterable[Job]) -> None:
        """Reload each service once, whatever it has got, and see that it shows the new."""
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
                self._fail(job.delivery, error)

    def _reload(self, group: Sequence[Job]) -> None:
        """Reload the one service of all of these. What it does not take goes back, and it is
        reloaded again."""
        refused = reload.refusals(group)
        for job in group:
            if all(job is not each for each, _ in refused):
                self._succeed(job, "done")
        failures = [(job, self._take_back(job, error)) for job, error in refused]
        after = ""
        if failures and group[0].deployment.reload:
            again = [job for job, _ in failures]
            try:
                reload.call(group[0].deployment.reload, again, "the reload after that")
            except DeployError as error:
                after = f"; {error}"
        for job, failure in failures:
            self._fail(job.delivery, DeployError(f"{failure}{after}", failure.hint))

    def _take_back(self, job: Job, error: Exception) -> DeployError:
        """Have what was there before; that the ledger cannot be written is no reason not to."""
        with suppress(StateError):
            if reload.can_go_back(job):
                self._come_to(TOUCHED, job)  # not INSTALLED any more, for whoever takes it up from here
        back, failure = reload.take_back(job, error)
        with suppress(StateError):
            if back:
                self._come_to(UNTOUCHED, job)
        return failure

    # What was left

    def _left(self, everything: bool) -> list[Delivery]:
        return [
            delivery
            for delivery in self._ledger.pending()
            if everything or is_due(delivery.client, delivery.tried, self._clock())
        ]

    def _take_up_all(self, deliveries: Iterable[Delivery]) -> None:
        steps = [(self._machine(delivery), partial(self._take_up, delivery)) for delivery in deliveries]
        self._on_each_machine(steps, self._conclude)

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

    # The ledger

    def _come_to(self, step: str, job: Job) -> Job:
        delivery = job.delivery._replace(step=step)
        self._ledger.keep([delivery])
        return job._replace(delivery=delivery)

    def _succeed(self, job: Job, words: str) -> None:
        reload.commit(job)
        arrived = job.delivery._replace(since=float(self._clock()), tries=0, error="", forced=False)
        self._ledger.done(arrived)
        self.arrived.append(arrived)
        output.step(f"{arrived.title}: {words}")

    def _fail(self, delivery: Delivery, error: Exception) -> None:
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


def _can_wait(deployment: Deployment) -> bool:
    return bool(deployment.reload) and not deployment.aborts


def _delivery(certificate: Certificate, deployment: Deployment) -> Delivery:
    return Delivery(certificate, deployment.pattern, deployment.name)


def _open(deployment: Deployment, bundle: CertificateFiles) -> Target:
    """The target, if it takes the certificate. Raises HookError."""
    target = deployment.target()
    bundles.check_staging(bundle, deployment)
    target.check(bundle)
    return target
