"""One call from beginning to end: the place to start reading.

``run`` tells each phase in order; what becomes of the records themselves is in challenge/publisher.py.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property

from .. import output
from ..errors import HookError
from .caa import issuers
from .challenge.placement import Placements
from .challenge.publisher import Records
from .challenge.readiness import ReadinessWait
from .clients.call import Call
from .clients.challenge import Challenge, checked
from .clients.process import Client, calling_client, this_process
from .clients.read import client_named
from .config.load import load_settings
from .config.settings import Settings
from .deploy.phases import Arrivals
from .notify import changes
from .state import audit
from .state.folder import state_dir
from .state.journal import OPEN, RETRACT, Entry, Journal

SWEEP = 5.0  # seconds that orphans of earlier runs may cost a call


def run(call: Call, environ: Mapping[str, str]) -> int:
    """Do what one call of a client asks for; gives the exit code. Raises HookError."""
    client = client_named(call.client)
    if call.phase == "foreign":
        return 0
    if client and client.progress_to_stdout:
        output.progress_to_stdout()
    desk = Desk(calling_client(), environ)
    with desk.recorded(call):
        match call.phase:
            case "publish":
                desk.publish(call)
                desk.sweep()
            case "retract":
                if call.problem:
                    desk.explain(call)
                desk.retract(call.challenges)
                desk.sweep()
            case "start":
                desk.arrivals.retry()
                desk.sweep()
            case "exit":
                desk.end_run()
                desk.arrivals.end_run()
                desk.sweep()
            case "deploy" | "unchanged" | "sync" | "ocsp":
                with desk.steps(call.phase):
                    desk.arrivals.take(call)
            case "failed" | "refused":
                desk.explain(call)
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
    import os

    call = Call("api", "publish", "publish", checked(challenges))
    desk = Desk(this_process(), os.environ if environ is None else environ)
    with desk.recorded(call):
        desk.publish(call)
    try:
        yield
    finally:
        with desk.recorded(call._replace(phase="retract", words="retract")):
            desk.retract(call.challenges)
            desk.sweep()


class Desk:
    """All that the phases of one call work with."""

    def __init__(self, client: Client | None, environ: Mapping[str, str]) -> None:
        self.client = client
        self.environ = environ
        self.state = state_dir(environ)
        self.journal = Journal(self.state)
        self.steps = audit.Steps()
        self.records = self._no_records()
        self.degraded: list[str] = []  # names that resolvers decided about
        self.arrivals = Arrivals(client, environ, self.state)

    @cached_property
    def settings(self) -> Settings:
        """What is configured; a certificate that could not be delivered is not ordered either.

        Raises ConfigError.
        """
        from .deploy.section import load_deployments

        settings = load_settings(self.environ)
        load_deployments(self.environ)
        return settings

    @cached_property
    def places(self) -> Placements:
        return Placements(self.settings)

    def _no_records(self) -> Records:
        return Records(self.journal, lambda: self.places, self.client)

    # Publishing

    def publish(self, call: Call) -> None:
        """Publish, and wait if this is the call to wait in; what fails is taken back."""
        opened: list[Entry] = []
        try:
            self._publish_all(call, opened)
            if not _asks_anyway(call):
                self._wait_until_ready(opened)
        except BaseException as error:
            self.records.retract(opened, asked_for=False)
            if _asks_anyway(call) and call.last and isinstance(error, HookError):
                output.failure(str(error), error.hint)
                self._wait_for_the_run(call, [])  # the client asks for the others all the same
            raise
        if _asks_anyway(call):
            self._wait_for_the_run(call, opened)

    def _publish_all(self, call: Call, opened: list[Entry]) -> None:
        with self.steps("discover"):
            places = self.places.find(challenge.name for challenge in call.challenges)
        with self.steps("caa"):
            self._ask_caa(call)
        with self.steps("publish"):
            self.records.publish(call.challenges, places, opened)

    def _ask_caa(self, call: Call) -> None:
        """Where the configuration names the servers, the world's CAA is not what they have."""
        names = {c.name for c in call.challenges if not self.settings.nameservers_for(c.name)}
        order = issuers.of_call(self.environ, self.client)
        ca = issuers.authority(self.settings.ca, self.settings.ca_account, order)
        if names and ca.names:
            from .caa.preflight import preflight

            preflight(call, names, ca, self.places.discovery, self.environ)

    def _wait_for_the_run(self, call: Call, opened: list[Entry]) -> None:
        """certbot publishes one name a call: the last one waits for all, which the journal knows.

        Where certbot's process cannot be told, no call knows of the others: each waits for itself.
        """
        if self.client is None:
            self._wait_until_ready(opened)
        elif call.last:
            entries = [entry for entry in self.journal.of(self.client) if entry.state == OPEN]
            missing = Counter(call.run_names) - Counter(entry.domain for entry in entries)
            self._wait_until_ready(entries)
            if missing:
                raise HookError(
                    f"not published: {', '.join(missing.elements())}; certbot asks the CA all the same",
                    "what the call for it said is above, and in `dns01 audit --failed`",
                )

    def _wait_until_ready(self, entries: Sequence[Entry]) -> None:
        waiting = ReadinessWait(self.settings, self.places, self.journal, self.client)
        self.degraded += waiting.until_ready(entries, self.steps, published=self.records.published)

    # Taking back

    def retract(self, challenges: Iterable[Challenge]) -> None:
        """Take back what the journal has for these challenges; never fails for the provider."""
        with self.steps("retract"):
            found = self.journal.find(challenges)
            for challenge in (challenge for challenge, entries in found.items() if not entries):
                output.step(f"nothing to take back for {challenge.domain or challenge.token}")
            self.records.retract([entry for entries in found.values() for entry in entries])

    def end_run(self) -> None:
        """Take back what this client leaves open at its end: dehydrated does not clean up the names
        that went well once another one has failed."""
        if self.client:
            self.records.retract(self.journal.of(self.client))

    def sweep(self) -> None:
        """Take back what earlier runs left, within ``SWEEP`` seconds, and never fail for a provider:
        one that hangs is left to hang, and the entry to a later call.

        To be done last: a provider that hangs does so with its zone's lock in its hand. Not after a
        failure of this call's own, which would only be had again.
        """
        if self.records.kept:
            return
        if orphans := self.journal.orphans():
            output.step(f"taking back {len(orphans)} record(s) that earlier runs left")
            with self.steps("sweep"):
                worker = threading.Thread(target=self.records.retract, args=(orphans,), daemon=True)
                worker.start()
                worker.join(SWEEP)
                if worker.is_alive():
                    output.warning(f"that takes more than {SWEEP:.0f} s: the rest is left to a later call")

    # What went wrong, and the record of it all

    def explain(self, call: Call) -> None:
        """Say why the CA refuses, and what its records look like while they are still there."""
        from .challenge.diagnosis import refusal

        refusal.show(call, self.client, self.journal, self.environ)

    @contextmanager
    def recorded(self, call: Call) -> Iterator[None]:
        """Leave a line in the audit trail, however the phase ends."""
        self.steps, self.records, self.degraded = audit.Steps(), self._no_records(), []
        failure, raised = "", None
        try:
            yield
        except BaseException as error:
            failure, raised = f"{type(error).__name__}: {error}", error
            raise
        finally:
            deployed = self.arrivals.outcomes()
            undelivered = [f"{row['target']}: {row['error']}" for row in deployed if row["error"]]
            errors = [failure] if failure else [*self.records.kept, *undelivered]
            trail = audit.Trail(f"{self.state}/audit.jsonl", self.environ)
            trail.write(
                {
                    "client": call.client,
                    "phase": call.words,
                    "names": _names(call),
                    "published": [_place(entry) for entry in self.records.published],
                    "retracted": [_place(entry) for entry in self.records.retracted],
                    "deployed": deployed,
                    "steps": self.steps.seconds,
                    "outcome": "failed" if errors else "degraded" if self.degraded else "ok",
                    "error": "; ".join(errors),
                }
            )
            if raised is None or isinstance(raised, Exception):  # a signal leaves no time for it
                self._notify(call, raised, deployed)

    def _notify(self, call: Call, error: Exception | None, deployed: Sequence[Mapping[str, str]]) -> None:
        """Tell those who want to know what has changed; never fails."""
        left: list[Entry] = []
        with suppress(HookError):  # a state folder that is of no use is why the call failed
            left = [entry for entry in self.journal.entries() if entry.state == RETRACT]
        seen = changes.of_call(call, error, deployed, self.records.retracted, left)
        changes.tell(seen, self.environ)


def _names(call: Call) -> list[str]:
    domain = call.certificate.domain if call.certificate else ""
    return [*(challenge.domain for challenge in call.challenges), *([domain] if domain else [])]


def _place(entry: Entry) -> dict[str, str]:
    """Where an entry's record stands, for the audit trail."""
    row = entry._asdict()
    return {key: row[key] for key in ("name", "target", "zone", "account", "provider")}


def _asks_anyway(call: Call) -> bool:
    """Whether the client asks the CA whatever publishing has come to, and always cleans up."""
    client = client_named(call.client)
    return client is not None and client.ignores_exit_code
