"""The services behind the targets: their commands, whether they show the new, and the way back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from .... import output
from ....errors import DeployError, HookError, hint_of
from ..ledger import Delivery
from ..section import Deployment
from ..targets.base import CertificateFiles, Commit, Remote, Target, Undo
from ..targets.command import environment, run, variables


class Job(NamedTuple):
    """A delivery at work: its target, opened, and the files that it gets."""

    delivery: Delivery
    deployment: Deployment
    target: Target
    bundle: CertificateFiles


def call(command: Sequence[str], jobs: Sequence[Job], what: str) -> None:
    """Run a command about the certificate of these jobs, on the machine that they are for; about several,
    it gets their domains alone.

    Raises DeployError.
    """
    names = variables(jobs[0].bundle)
    if len({job.bundle.facts.certificate for job in jobs}) > 1:
        names = {"DNS01_DOMAIN": " ".join(dict.fromkeys(job.bundle.name for job in jobs))}
    limit = max(job.deployment.time_limit for job in jobs)
    if isinstance(jobs[0].target, Remote):
        jobs[0].target.run(command, names, limit, what)
        return
    passed = {name for job in jobs for name in job.deployment.pass_environment}
    run(command, {**environment(os.environ, passed), **names}, limit, what)


def refusals(group: Sequence[Job]) -> list[tuple[Job, Exception]]:
    """Reload the one service of all these jobs. Gives those that were not reloaded, or that it does
    not show then; and why."""
    reload = group[0].deployment.reload
    try:
        if reload:
            call(reload, group, "the reload")
    except DeployError as error:
        return [(job, error) for job in group]
    refused: list[tuple[Job, Exception]] = []
    for job in group:
        try:
            _verify(job)
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


def _verify(job: Job) -> None:
    if job.deployment.verify:
        from .served_certificate import verify

        verify(job.deployment.verify, job.delivery.fingerprint, job.deployment.time_limit)
