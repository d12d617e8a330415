"""The services behind the targets: their commands, whether they show the new, and the way back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .... import output
from ....errors import DeployError, HookError, hint_of
from ..section import Deployment
from ..targets import command
from ..targets.base import CertificateFiles, Commit, Remote, Target, Undo
from .ledger import Delivery


class Job(NamedTuple):
    """A delivery at work: its target, opened, and the files that it gets."""

    delivery: Delivery
    deployment: Deployment
    target: Target
    bundle: CertificateFiles


def verify(where: str, fingerprint: str, seconds: float) -> None:
    """Wait until the service serves the certificate of that SHA-256 fingerprint (hex). Raises DeployError."""
    from ..service.served_certificate import verify as wait_for  # ssl, which most deliveries can do without

    wait_for(where, fingerprint, seconds)


class Services:
    """What has to take up a new certificate. ``run``: how its commands are run on this machine;
    ``verify``: how it is looked at."""

    def __init__(
        self,
        run: Callable[[Sequence[str], Mapping[str, str], float, str], None] = command.run,
        verify: Callable[[str, str, float], None] = verify,
    ) -> None:
        self._run = run
        self._verify = verify

    def call(self, words: Sequence[str], jobs: Sequence[Job], what: str) -> None:
        """Run a command about the certificate of these jobs, on the machine that they are for; about several,
        it gets their domains alone.

        Raises DeployError.
        """
        names = command.variables(jobs[0].bundle)
        if len({job.bundle.facts.certificate for job in jobs}) > 1:
            names = {"DNS01_DOMAIN": " ".join(dict.fromkeys(job.bundle.name for job in jobs))}
        limit = max(job.deployment.time_limit for job in jobs)
        if isinstance(jobs[0].target, Remote):
            jobs[0].target.run(words, names, limit, what)
            return
        passed = {name for job in jobs for name in job.deployment.pass_environment}
        self._run(words, {**command.environment(os.environ, passed), **names}, limit, what)

    def refusals(self, group: Sequence[Job]) -> list[tuple[Job, Exception]]:
        """Reload the one service of all these jobs. Gives those that were not reloaded, or that it does
        not show then; and why."""
        reload = group[0].deployment.reload
        try:
            if reload:
                self.call(reload, group, "the reload")
        except DeployError as error:
            return [(job, error) for job in group]
        refused: list[tuple[Job, Exception]] = []
        for job in group:
            try:
                if job.deployment.verify:
                    self._verify(job.deployment.verify, job.delivery.fingerprint, job.deployment.time_limit)
            except Exception as error:
                refused.append((job, error))
        return refused


def can_go_back(job: Job) -> bool:
    """Whether the kind of target can bring back what was there before (``Undo``)."""
    return isinstance(job.target, Undo)


def take_back(job: Job, error: Exception) -> tuple[bool, DeployError]:
    """Bring back what was there before ``error``. Gives whether that is done, and an error that says so
    beside the first. Raises nothing."""
    back, outcome = False, "the new one stays: this kind of target cannot go back"
    if isinstance(job.target, Undo):
        try:
            job.target.undo(job.bundle)
            back, outcome = True, "what was there before is back"
        except Exception as worse:
            outcome = f"and what was there before could not be brought back: {message_of(worse)}"
    return back, DeployError(f"{message_of(error)}; {outcome}", hint_of(error))


def commit(job: Job) -> None:
    """Tell the target that its service has taken the certificate."""
    if isinstance(job.target, Commit):
        try:
            job.target.commit(job.bundle)
        except Exception as error:  # what it is there for has been done
            output.warning(f"{job.delivery.title}: {message_of(error)}")


def message_of(error: Exception) -> str:
    """The error's message; that of an exception other than HookError begins with its class."""
    return str(error) if isinstance(error, HookError) else f"{type(error).__name__}: {error}"
