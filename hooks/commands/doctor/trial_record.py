"""A real record, published, waited for and removed, as an order would have it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

from ....errors import HookError, NotReady
from ...clients.call import Call
from ...clients.challenge import Challenge
from ...clients.process import this_process
from ...config.settings import Settings
from ...phases.phase import Phase
from ...phases.session import Session
from .finding import Finding, Severity

TOKEN = "doctor"


def probe(domain: str, settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Publish a random value at the challenge name, wait until a CA could see it, take it back."""
    challenge = Challenge(domain, TOKEN, secrets.token_urlsafe(32))
    call = Call("dns01", "publish", "doctor --write", (challenge,))
    session = Session(this_process(), environ, settings)
    try:
        with Phase(session, call) as phase:
            phase.publish()
            with phase.steps("retract"):
                phase.records.retract(phase.records.published, asked_for=False)  # no CA has ever heard of it
    except HookError as error:
        yield _failed(challenge.name, error)
        return
    if phase.records.kept:
        message = f"the record of the probe is still there: {'; '.join(phase.records.kept)}"
        yield Finding("probe-left", Severity.ERROR, challenge.name, message, ("dns01 sweep",))
    else:
        steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in phase.steps.seconds.items())
        yield Finding("probe-passed", Severity.NOTE, challenge.name, f"a record came and went: {steps}")


def skipped(domain: str) -> Finding:
    """The note that stands in for the trial where an order would fail anyhow."""
    message = "no record was written, because of the errors above"
    return Finding("probe-skipped", Severity.NOTE, domain, message, (f"dns01 doctor {domain} --write",))


def _failed(name: str, error: HookError) -> Finding:
    report = tuple(error.report) if isinstance(error, NotReady) else ()
    code = "probe-not-ready" if isinstance(error, NotReady) else "probe-failed"
    return Finding(code, Severity.ERROR, name, str(error), (error.hint,) if error.hint else (), report)
