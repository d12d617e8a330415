"""One phase: publish and wait, take back, sweep, explain."""

from __future__ import annotations

import os.path
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Self

from ... import output
from ...errors import ConfigError, DelegationError, HookError, UsageError, ZoneNotFound
from ..caa import issuers
from ..clients.call import Call
from ..clients.challenge import Challenge
from ..clients.lego import LEGO, needless_pause
from ..state.audit.files import FILE
from ..state.audit.reader import recent
from ..state.audit.record import Steps
from ..state.journal import Entry
from .outcome import Outcome, record
from .session import Session

if TYPE_CHECKING:  # with them comes dnspython, which the phases of certificates can do without
    from ..challenge.publisher import Records

PAUSE_RECORDS = 1 << 14  # octets of the audit trail to look for lego's last call in
SWEEP_TIMEOUT = 5.0  # seconds that orphans of earlier runs may cost a call


class Phase:
    """One phase: what is done, in which steps, and what has come of it.

    As a context it leaves a line in the audit trail, however it ends.
    """

    def __init__(self, session: Session, call: Call) -> None:
        self.call = call
        self.steps = Steps()
        self._session = session
        self._degraded: list[str] = []  # names that resolvers decided about
        self._refused: list[HookError] = []  # why single names of a run were not published

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        session = self._session
        published, retracted, kept = self._of_records()
        outcome = Outcome(
            published,
            retracted,
            kept,
            session.delivered,
            self.steps.seconds,
            degraded=bool(self._degraded),
            refused=self._refused,
            error=error,
        )
        record(self.call, outcome, session.journal, session.environ)

    @cached_property
    def records(self) -> Records:
        """Publishes and retracts for this phase, and lists what it has."""
        from ..challenge.publisher import Records

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
        """Raises CaaForbids, or DelegationError, where the CA is sure to refuse."""
        session = self._session
        account = issuers.AcmeAccount(self.call.directory, self.call.account)
        if not account.directory:
            account = issuers.of_call(session.environ, session.client)
        ca = issuers.issuer_of(session.settings.ca, session.settings.ca_account, account)
        if not ca.names:
            return
        if issuers.is_public(ca):
            session.placements.check_visible((each.name for each in challenges), ca.names[0])
        from ..caa.preflight import preflight

        call = self.call._replace(challenges=tuple(challenges))
        found = session.placements.names_by_discovery(challenge.name for challenge in challenges)
        for discovery, names in found.items():
            preflight(call, names, ca, discovery)

    def _wait_until_ready(self, entries: Sequence[Entry]) -> None:
        session = self._session
        from ..challenge.readiness.wait import ReadinessWait

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
        run have left to this one; never fails for the provider."""
        client, batch = self._session.client, self._session.batch
        batched = batch.of(client, "retract") if client else []
        self._check_known()
        challenges = [*batched, *self.call.challenges]
        with self.steps("retract"):
            found = self._session.journal.find(challenges)
            for challenge in (challenge for challenge, entries in found.items() if not entries):
                output.step(f"nothing to take back for {challenge.domain or challenge.token}")
            self.records.retract([entry for entries in found.values() for entry in entries])
        if batched and client:
            batch.done(client, "retract")

    def _check_known(self) -> None:
        """Raises UsageError where nothing of this run is known, and that means that something is wrong."""
        client = self._session.client
        if self.call.if_unknown and client and not self._session.journal.of(client):
            raise UsageError(*self.call.if_unknown)

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

    # What went wrong

    def explain(self) -> None:
        """Say why the CA refuses, and what its records look like while they are still there."""
        from ..challenge.diagnosis import refusal

        session = self._session
        refusal.show(self.call, session.client, session.journal, session.environ)

    def _of_records(self) -> tuple[Sequence[Entry], Sequence[Entry], Sequence[str]]:
        """What was published, what was retracted, and why some could not be."""
        if "records" not in self.__dict__:
            return (), (), ()
        return self.records.published, self.records.retracted, self.records.kept
