"""One call from beginning to end: the place to start reading.

``run`` tells each phase in order; what becomes of the records themselves is in challenge/publisher.py.
"""

from __future__ import annotations

import os.path
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from .. import output
from ..errors import ClientGone, ConfigError, DelegationError, HookError, UsageError, ZoneNotFound
from .caa import issuers
from .clients.call import Call
from .clients.certbot import WANTS_DNS01
from .clients.challenge import Challenge, checked
from .clients.detection import client_named
from .clients.lego import LEGO, needless_pause
from .clients.process import Client, calling_client, this_process
from .config.load import load_settings
from .config.settings import Settings
from .deploy.certificate_phases import DeployPhases
from .notify import state_changes
from .state.audit.files import FILE
from .state.audit.reader import recent
from .state.audit.record import Steps, entry
from .state.audit.trail import Trail
from .state.folder import state_dir
from .state.intents import Intents
from .state.journal import OPEN, Entry, Journal

if TYPE_CHECKING:  # with them comes dnspython, which the phases of certificates can do without
    from .challenge.placement import Placements
    from .challenge.publisher import Records

PAUSE_RECORDS = 1 << 14  # octets of the audit trail to look for lego's last call in
SWEEP_TIMEOUT = 5.0  # seconds that orphans of earlier runs may cost a call


def run(call: Call, environ: Mapping[str, str]) -> int:
    """Do what one call of a client asks for; gives the exit code. Raises HookError."""
    client = client_named(call.client)
    if call.phase == "foreign":
        return 0
    if client and client.progress_to_stdout:
        output.progress_to_stdout()
    session = Session(calling_client(), environ)
    with session.phase(call) as phase:
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
    import os

    session = Session(this_process(), os.environ if environ is None else environ)
    with published_in(session, challenges):
        yield


@contextmanager
def published_in(session: Session, challenges: Iterable[Challenge]) -> Iterator[None]:
    """The same, by a session of one's own."""
    call = Call("api", "publish", "publish", checked(challenges))
    with session.phase(call) as phase:
        phase.publish()
    try:
        yield
    finally:
        with session.phase(call._replace(phase="retract", words="retract")) as phase:
            phase.retract()
            phase.sweep()


class Session:
    """What all phases of one process share: its client, the configuration, and the state."""

    def __init__(
        self, client: Client | None, environ: Mapping[str, str], settings: Settings | None = None
    ) -> None:
        self.client = client
        self.environ = environ
        self.state = state_dir(environ)
        self.journal = Journal(self.state)
        self.intents = Intents(self.state)
        self.deploying = DeployPhases(client, environ, self.state)
        self._settings = settings

    @cached_property
    def settings(self) -> Settings:
        """What is configured; a certificate that could not be delivered is not ordered either.

        Raises ConfigError.
        """
        if self._settings:
            return self._settings
        from .deploy.section import load_deployments

        settings = load_settings(self.environ)
        load_deployments(self.environ)
        return settings

    @cached_property
    def placements(self) -> Placements:
        from .challenge.placement import Placements

        return Placements(self.settings)

    @contextmanager
    def phase(self, call: Call) -> Iterator[Phase]:
        """One phase, which leaves a line in the audit trail however it ends."""
        phase = Phase(self, call)
        failure: BaseException | None = None
        try:
            yield phase
        except BaseException as error:
            failure = error
            raise
        finally:
            phase.record(failure)


class Phase:
    """One phase: what is done, in which steps, and what has come of it."""

    def __init__(self, session: Session, call: Call) -> None:
        self.call = call
        self.steps = Steps()
        self._session = session
        self._degraded: list[str] = []  # names that resolvers decided about
        self._refused: list[HookError] = []  # why single names of a run were not published

    @cached_property
    def records(self) -> Records:
        """Publishes and retracts for this phase, and lists what it has."""
        from .challenge.publisher import Records

        session = self._session
        return Records(session.journal, lambda: session.placements, session.client)

    # Publishing

    def publish(self) -> None:
        """Publish what the call brings, and wait until it is ready; what fails is taken back."""
        self._publish_and_wait(self.call.challenges, wait=True)

    def errors_by_name(self, error: HookError) -> list[HookError]:
        """What is wrong with each name, where ``error``, which ended ``publish``, may be but the first of
        several: nothing is published to find out."""
        if not isinstance(error, ConfigError | DelegationError | ZoneNotFound):
            return [error]
        found = {}
        for challenge in self.call.challenges:
            try:
                self._session.placements.find([challenge.name])
            except HookError as of_name:
                found[str(of_name)] = of_name
        return list(found.values()) or [error]

    def publish_run(self) -> None:
        """Publish what all calls of the run have brought, for a client that asks the CA whatever becomes of
        it, and always cleans up: a name that fails keeps none of the others from being ready."""
        client = self._session.client
        noted = self._session.intents.of(client, "publish") if client else []
        challenges = (*noted, *self.call.challenges)
        if not challenges:
            raise UsageError(f"{', '.join(self.call.foreign)}: the challenge is not dns-01's", WANTS_DNS01)
        self._check_new(challenges)
        errors = self._publish_each(challenges)
        if client:
            self._session.intents.done(client, "publish")
            entries = [entry for entry in self._session.journal.of(client) if entry.state == OPEN]
        else:  # no call knows of the others: each waits for its own
            entries = self.records.published
        try:
            self._wait_until_ready(entries)
        except ClientGone:  # nobody asks the CA, nor cleans up
            self.records.retract(entries, asked_for=False)
            raise
        if client:
            self._check_complete(client, entries)
        if errors:
            raise errors[-1]

    def note(self, client: Client) -> None:
        """Leave it to the last call of the run, which does it in one batch with the others'. The first of
        a run sees that the configuration is right."""
        intents = self._session.intents
        if self.call.phase == "publish":
            _ = self._session.settings
            intents.note(client, "publish", self.call.challenges)
            intents.note(client, "foreign", [Challenge(name, "", "") for name in self.call.foreign])
        else:
            self._check_known()
            intents.note(client, "retract", self.call.challenges)

    def _publish_each(self, challenges: Sequence[Challenge]) -> list[HookError]:
        """Publish all at once, or else each name by itself; the errors of those that fail."""
        try:
            self._publish_and_wait(challenges, wait=False)
        except HookError as error:
            if len(challenges) < 2:
                if self._session.client and self.call.run_names:  # the phase ends with what is missing in all
                    output.failure(str(error), error.hint)
                    self._refused.append(error)
                return [error]
        else:
            return []
        errors: list[HookError] = []
        for challenge in challenges:
            try:
                self._publish_and_wait([challenge], wait=False)
            except HookError as error:
                if str(error) not in map(str, errors):
                    output.failure(str(error), error.hint)
                errors.append(error)
        self._refused += errors
        return errors

    def _publish_and_wait(self, challenges: Sequence[Challenge], *, wait: bool) -> None:
        with self.steps("discover"):
            placements = self._session.placements.find(challenge.name for challenge in challenges)
        with self.steps("caa"):
            self._ask_caa(challenges)
        with self.steps("publish"):
            published = self.records.publish(challenges, placements)
        if not wait:
            return
        try:
            self._wait_until_ready(published)
        except BaseException:
            self.records.retract(published, asked_for=False)
            raise

    def _ask_caa(self, challenges: Sequence[Challenge]) -> None:
        session = self._session
        order = issuers.Order(self.call.directory, self.call.account)
        if not order.directory:
            order = issuers.of_call(session.environ, session.client)
        ca = issuers.authority(session.settings.ca, session.settings.ca_account, order)
        if not ca.names:
            return
        from .caa.preflight import preflight

        call = self.call._replace(challenges=tuple(challenges))
        worlds = session.placements.worlds_of(challenge.name for challenge in challenges)
        for world, names in worlds.items():
            preflight(call, names, ca, world, session.environ)

    def _check_complete(self, client: Client, entries: Iterable[Entry]) -> None:
        """Raises HookError for names of the run that nothing was published for, and that were ours."""
        foreign = self._session.intents.of(client, "foreign")
        self._session.intents.done(client, "foreign")
        published = {(entry.domain, entry.value) for entry in entries}  # each maybe at several accounts
        missing = Counter(self.call.run_names) - Counter(domain for domain, _ in published)
        if missing := missing - Counter([*(challenge.domain for challenge in foreign), *self.call.foreign]):
            raise HookError(
                f"not published: {', '.join(missing)}; certbot asks the CA all the same",
                "what was said of it is above, and in `dns01 audit --failed`",
            )

    def _wait_until_ready(self, entries: Sequence[Entry]) -> None:
        session = self._session
        from .challenge.readiness_wait import ReadinessWait

        waiting = ReadinessWait(
            session.settings,
            session.placements,
            session.journal,
            session.client,
            republish=self.records.publish_again,
        )
        self._degraded += waiting.until_ready(entries, self.steps, published=self.records.published)

    def advise_on_pause(self) -> None:
        """Say how lego can do without a pause that it has just made."""
        if self.call.client != LEGO.name:
            return
        with suppress(HookError):  # a trail that cannot be read is said elsewhere
            records = recent(os.path.join(self._session.state, FILE), PAUSE_RECORDS)
            if advice := needless_pause(records, self._session.environ, time.time()):
                output.step(advice)

    # Taking back

    def retract(self) -> None:
        """Take back what the journal has for the call's challenges, and for those that earlier calls of the
        run have noted; never fails for the provider."""
        client, intents = self._session.client, self._session.intents
        noted = intents.of(client, "retract") if client else []
        self._check_known()
        challenges = [*noted, *self.call.challenges]
        with self.steps("retract"):
            found = self._session.journal.find(challenges)
            for challenge in (challenge for challenge, entries in found.items() if not entries):
                output.step(f"nothing to take back for {challenge.domain or challenge.token}")
            self.records.retract([entry for entries in found.values() for entry in entries])
        if noted and client:
            intents.done(client, "retract")

    def _check_known(self) -> None:
        """Raises UsageError where nothing of this run is known, and that means that something is wrong."""
        client = self._session.client
        if self.call.if_unknown and client and not self._session.journal.of(client):
            raise UsageError(*self.call.if_unknown)

    def _check_new(self, challenges: Sequence[Challenge]) -> None:
        """Raises UsageError where this run has published all of it, and that means something is wrong."""
        client = self._session.client
        if not (self.call.if_known and client):
            return
        values = {entry.value for entry in self._session.journal.of(client)}
        if all(challenge.validation in values for challenge in challenges):
            self._session.intents.done(client, "publish")
            raise UsageError(*self.call.if_known)

    def end_run(self) -> None:
        """Take back what this client leaves open at its end: dehydrated does not clean up the names
        that went well once another one has failed."""
        if client := self._session.client:
            self.records.retract(self._session.journal.of(client))

    def sweep(self) -> None:
        """Take back what earlier runs left, within ``SWEEP_TIMEOUT`` seconds, and never fail for a provider:
        one that hangs is left to hang, and the entry to a later call.

        To be done last: a provider that hangs does so with its zone's lock in its hand. Not after a
        failure of this call's own, which would only be had again.
        """
        if self.records.kept:
            return
        if orphans := self._session.journal.orphans():
            if any(not entry.error for entry in orphans):
                output.step(f"taking back {len(orphans)} record(s) that earlier runs left")
            with self.steps("sweep"):
                worker = threading.Thread(target=self.records.retract, args=(orphans,), daemon=True)
                worker.start()
                worker.join(SWEEP_TIMEOUT)
                if worker.is_alive():
                    output.warning(
                        f"that takes more than {SWEEP_TIMEOUT:.0f} s: the rest is left to a later call"
                    )

    # What went wrong, and the record of it all

    def explain(self) -> None:
        """Say why the CA refuses, and what its records look like while they are still there."""
        from .challenge.diagnosis import refusal

        session = self._session
        refusal.show(self.call, session.client, session.journal, session.environ)

    def record(self, error: BaseException | None) -> None:
        """Write what has come of the phase into the audit trail, and notify. ``error``: what ended it."""
        session = self._session
        ended = [*self._refused, *([error] if error else [])]
        failures = dict.fromkeys(f"{type(each).__name__}: {each}" for each in ended)
        deployed = session.deploying.outcomes()
        undelivered = [f"{row['target']}: {row['error']}" for row in deployed if row["error"]]
        published, retracted, kept = self._of_records()
        errors = [*failures] or [*kept, *undelivered]
        line = entry(
            self.call,
            published=[_place(entry) for entry in published],
            retracted=[_place(entry) for entry in retracted],
            deployed=deployed,
            steps=self.steps.seconds,
            outcome="failed" if errors else "degraded" if self._degraded else "ok",
            error="; ".join(errors),
        )
        Trail.of(session.environ).write(line)
        if error is None or isinstance(error, Exception):  # a signal leaves no time for it
            self._notify(error, deployed, retracted)

    def _of_records(self) -> tuple[Sequence[Entry], Sequence[Entry], Sequence[str]]:
        """What was published, what was retracted, and why some could not be."""
        if "records" not in self.__dict__:
            return (), (), ()
        return self.records.published, self.records.retracted, self.records.kept

    def _notify(
        self,
        error: Exception | None,
        deployed: Sequence[Mapping[str, str]],
        retracted: Sequence[Entry],
    ) -> None:
        """Tell those who want to know what has changed; never fails."""
        left: list[Entry] = []
        with suppress(HookError):  # a state folder that is of no use is why the call failed
            left = self._session.journal.kept()
        observed = state_changes.of_call(self.call, error, deployed, retracted, left)
        state_changes.tell(observed, self._session.environ)


def _place(entry: Entry) -> dict[str, str]:
    """Where an entry's record stands, for the audit trail."""
    row = entry._asdict()
    return {key: row[key] for key in ("name", "target", "zone", "account", "provider")}
