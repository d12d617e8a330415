"""A run of several calls, done in one batch by the last of them: certbot's manual hooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ... import output
from ...errors import ClientGone, HookError, UsageError
from ..clients.certbot import WANTS_DNS01
from ..clients.challenge import Challenge
from ..clients.process import ClientProcess
from ..state.journal import OPEN, Entry
from .phase import Phase


class RunPhase(Phase):
    """A phase of a run of several calls: all but the last note what they are for, and the last does it."""

    def note(self, client: ClientProcess) -> None:
        """Leave it to the last call of the run, which does it in one batch with the others'. The first of
        a run sees that the configuration is right."""
        batch = self._session.batch
        if self.call.phase == "publish":
            _ = self._session.settings
            batch.note(client, "publish", self.call.challenges)
            batch.note(client, "foreign", [Challenge(name, "", "") for name in self.call.foreign])
        else:
            self._check_known()
            batch.note(client, "retract", self.call.challenges)

    def publish_run(self) -> None:
        """Publish what all calls of the run have brought, for a client that asks the CA whatever becomes of
        it, and always cleans up: a name that fails keeps none of the others from being ready."""
        client = self._session.client
        batched = self._session.batch.of(client, "publish") if client else []
        challenges = (*batched, *self.call.challenges)
        if not challenges:
            raise UsageError(f"{', '.join(self.call.foreign)}: the challenge is not dns-01's", WANTS_DNS01)
        self._check_new(challenges)
        errors = self._publish_each(challenges)
        if client:
            self._session.batch.done(client, "publish")
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

    def _check_complete(self, client: ClientProcess, entries: Iterable[Entry]) -> None:
        """Raises HookError for names of the run that nothing was published for, and that were ours."""
        foreign = self._session.batch.of(client, "foreign")
        self._session.batch.done(client, "foreign")
        published = {(entry.domain, entry.value) for entry in entries}  # each maybe at several accounts
        missing = Counter(self.call.run_names) - Counter(domain for domain, _ in published)
        if missing := missing - Counter([*(challenge.domain for challenge in foreign), *self.call.foreign]):
            raise HookError(
                f"not published: {', '.join(missing)}; certbot asks the CA all the same",
                "what was said of it is above, and in `dns01 audit --failed`",
            )

    def _check_new(self, challenges: Sequence[Challenge]) -> None:
        """Raises UsageError where this run has published all of it, and that means something is wrong."""
        client = self._session.client
        if not (self.call.if_known and client):
            return
        values = {entry.value for entry in self._session.journal.of(client)}
        if all(challenge.validation in values for challenge in challenges):
            self._session.batch.done(client, "publish")
            raise UsageError(*self.call.if_known)
