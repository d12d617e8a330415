"""What has come of a phase: a line in the audit trail, and a word to those who want to know."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ...errors import HookError
from ..clients.call import Call
from ..state.audit.record import entry
from ..state.audit.trail import Trail
from ..state.journal import Entry, Journal
from ..state.pending_work import anything_notified


class Outcome(NamedTuple):
    """What a phase has done.

    ``kept``: why records could not be taken back. ``deployed``: a row for each delivery. ``seconds``: by
    its steps. ``refused``: why single names were not published. ``error``: what ended it.
    """

    published: Sequence[Entry]
    retracted: Sequence[Entry]
    kept: Sequence[str]
    deployed: Sequence[Mapping[str, str]]
    seconds: Mapping[str, float]
    degraded: bool
    refused: Sequence[HookError]
    error: BaseException | None


def record(call: Call, outcome: Outcome, journal: Journal, environ: Mapping[str, str]) -> None:
    """Write it into the audit trail, and notify."""
    error = outcome.error
    ended = [*outcome.refused, *([error] if error else [])]
    failures = dict.fromkeys(f"{type(each).__name__}: {each}" for each in ended)
    undelivered = [f"{row['target']}: {row['error']}" for row in outcome.deployed if row["error"]]
    errors = [*failures] or [*outcome.kept, *undelivered]
    line = entry(
        call,
        published=[_place(each) for each in outcome.published],
        retracted=[_place(each) for each in outcome.retracted],
        deployed=outcome.deployed,
        steps=outcome.seconds,
        outcome="failed" if errors or call.problem else "degraded" if outcome.degraded else "ok",
        error="; ".join(errors),
    )
    Trail.of(environ).write(line)
    if error is None or isinstance(error, Exception):  # a signal leaves no time for it
        _notify(call, error, outcome, journal, environ)


def _notify(
    call: Call, error: Exception | None, outcome: Outcome, journal: Journal, environ: Mapping[str, str]
) -> None:
    """Tell those who want to know what has changed; never fails."""
    left: list[Entry] = []
    with suppress(HookError):  # a state folder that is of no use is why the call failed
        left = journal.kept()
    troubled = error or left or any(row["error"] for row in outcome.deployed)
    if not (troubled or anything_notified(environ)):
        return  # nobody has to hear that all is well, nor waits to
    from ..notify import state_changes

    observed = state_changes.of_call(call, error, outcome.deployed, outcome.retracted, left)
    state_changes.tell(observed, environ)


def _place(entry: Entry) -> dict[str, str]:
    """Where an entry's record stands, for the audit trail."""
    row = entry._asdict()
    return {key: row[key] for key in ("name", "target", "zone", "account", "provider")}
