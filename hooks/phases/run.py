"""One call from beginning to end: the place to start reading.

``run`` tells each phase in order; what becomes of the records themselves is in challenge/publisher.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ... import output
from ..clients.call import Call
from ..clients.challenge import Challenge, checked
from ..clients.detection import client_named
from ..clients.process import calling_client, this_process
from .client_run import RunPhase
from .phase import Phase
from .session import Session


def run(call: Call, environ: Mapping[str, str]) -> int:
    """Do what one call of a client asks for; gives the exit code. Raises HookError."""
    client = client_named(call.client)
    if call.phase == "foreign":
        return 0
    if client and client.progress_to_stdout:
        output.progress_to_stdout()
    session = Session(calling_client(), environ)
    with RunPhase(session, call) as phase:
        if session.client and not call.last:
            phase.note(session.client)
            return 0
        match call.phase:
            case "publish" if client and client.ignores_exit_code:
                phase.publish_run()
                phase.sweep()
            case "publish":
                phase.advise_on_pause()
                phase.publish()
                phase.sweep()
            case "retract":
                if call.problem:
                    phase.explain()
                phase.retract()
                phase.sweep()
            case "start":
                session.deploying.retry()
                phase.sweep()
            case "exit":
                phase.end_run()
                session.deploying.end_run()
                phase.sweep()
            case "deploy" | "unchanged" | "sync" | "ocsp":
                with phase.steps(call.phase):
                    session.deploying.take(call)
            case "failed" | "refused":
                phase.explain()
            case "decline":
                return 1
    return 0


@contextmanager
def published(challenges: Iterable[Challenge], environ: Mapping[str, str] | None = None) -> Iterator[None]:
    """Publish the challenges' records, wait until they are ready, and take them back on the way
    out, whatever happens.

    ``environ`` stands for the environment variables that configure a hook. Raises HookError, with
    nothing left published.
    """
    session = Session(this_process(), os.environ if environ is None else environ)
    with published_in(session, challenges):
        yield


@contextmanager
def published_in(session: Session, challenges: Iterable[Challenge]) -> Iterator[None]:
    """Publish and retract as ``published`` does, by a session that the caller has."""
    call = Call("api", "publish", "publish", checked(challenges))
    with Phase(session, call) as phase:
        phase.publish()
    try:
        yield
    finally:
        with Phase(session, call._replace(phase="retract", client_phase="retract")) as phase:
            phase.retract()
            phase.sweep()
