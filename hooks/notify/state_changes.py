"""What is told to those in ``[notify]``: each change of each subject's state, once.

::

    STATE/notified/  one JSON file for each subject that is not well, or was not when last told

A subject is what may be well or not: a name's publishing, a deployment, a clean-up, a certificate's
expiry. A receiver that does not take a message gets it at a later call, but is left alone for ten
minutes: it must not cost its time at each of many certificates. No file holds a secret, and nothing
here ever fails the phase that calls it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from ...errors import ConfigError, hint_of
from ...output import warning
from ...secret import redact
from ..clients.call import Call
from ..state.atomic import iso, labelled
from ..state.folder import state_dir
from ..state.journal import RETRACT, Entry, giving_up
from ..state.locks import locks
from ..state.pending_work import anything_notified
from ..state.store import RecordKind, Store
from . import send
from .section import Receivers, load_receivers
from .send import Message

STAYS_OPEN = 3600.0  # seconds from which on a failing clean-up is a problem: most pass by themselves
RECEIVER_RETRY_INTERVAL = 600.0  # seconds that a receiver is left alone for when it has not taken a message
LOCK_TIMEOUT = 15.0
LINES = 50  # of a message
EXPIRY = ("expiring", "expired", "not-yet-valid")


class SubjectState(NamedTuple):
    """How a subject is. ``state``: empty if all is well, else a problem's code. ``title``: what to
    call the subject; ``text``: what is wrong, in a line; ``hint``: what to do."""

    subject: str
    title: str
    state: str = ""
    text: str = ""
    hint: str = ""


class Notice(NamedTuple):
    """A subject as it is in its file. ``told``: the state that each receiver has last heard of.
    ``refused``: when each did not take a message. Times are in epoch seconds."""

    subject: str
    title: str
    state: str
    text: str
    hint: str
    since: float
    told: Mapping[str, str]
    refused: Mapping[str, float]


Deliver = Callable[[Receivers, Mapping[str, Message], Mapping[str, str]], Mapping[str, str]]


def tell(
    observations: Iterable[SubjectState],
    environ: Mapping[str, str],
    clock: Callable[[], float] = time.time,
    deliver: Deliver = send.deliver,
    *,
    at_once: bool = False,
) -> None:
    """Tell each receiver what has changed since it last heard. What goes wrong is a warning.

    ``at_once``: even those that are to be left alone.
    """
    seen = list(observations)
    if not any(each.state for each in seen) and not anything_notified(environ):
        return
    try:
        if receivers := load_receivers(environ):
            with locks(state_dir(environ), {"notified": "what is notified"}, LOCK_TIMEOUT, time.sleep):
                _tell(seen, receivers, environ, clock(), deliver, at_once)
    except Exception as error:
        if isinstance(error, ConfigError) and any(str(error) in each.text for each in seen):
            return  # it is what the call itself has failed by, and says
        warning(f"nobody was notified: {error}")
        if hint := hint_of(error):
            warning(hint)


def of_call(
    call: Call,
    error: Exception | None,
    deployed: Sequence[Mapping[str, str]],
    retracted: Iterable[Entry],
    left: Iterable[Entry],
) -> list[SubjectState]:
    """What a call has found out. ``error``: what it failed by; ``deployed``: what came of each target;
    ``retracted`` and ``left``: the entries that were taken back, and those that are open."""
    seen = [of_target(row) for row in deployed]
    if not any(each.state for each in seen):  # else that is why it failed
        seen += _of_phase(call, error)
    seen += [_of_record(entry) for entry in retracted]
    seen += [_of_record(entry, failing=True) for entry in left if stays_open(entry, time.time())]
    return seen


def stays_open(entry: Entry, now: float) -> bool:
    """Whether the clean-up has failed for so long that it will hardly pass by itself."""
    return entry.state == RETRACT and entry.opened < now - STAYS_OPEN


def deployment_subject(domain: str, section: str, target: str) -> str:
    """What the state of a delivery is kept under; ``section``: the pattern of its section's name."""
    return f"deployment {domain} {section} {target}"


def record_subject(entry: Entry) -> str:
    """What the state of a record that is to be taken back is kept under."""
    return f"record {entry.target} {entry.value} {entry.account}"


def notified(environ: Mapping[str, str]) -> list[str]:
    """The subjects that somebody was told about, and that are not known to be well."""
    return list(_read(state_dir(environ)))


# What a call has found out


def _of_phase(call: Call, error: Exception | None) -> list[SubjectState]:
    """certbot waits at the last of a run's calls: no other knows that all is well."""
    if not error and not call.last:
        return []
    domains = [challenge.domain for challenge in call.challenges]
    if call.certificate:
        domains.append(call.certificate.domain)
    if call.last:
        domains += call.run_names
    names = list(dict.fromkeys(name.lower() for name in domains))
    title = f"{call.client_phase} {' '.join(names)}".rstrip()
    state, text = ("failed", f"{title} failed: {error}") if error else ("", "")
    hint = hint_of(error)
    return [SubjectState(f"{call.phase} {name}", title, state, text, hint) for name in names or [""]]


def of_target(row: Mapping[str, str]) -> SubjectState:
    """What a row of a delivery's outcomes says of its target."""
    title = f"{row['name']} → {row['target'] or 'its targets'}"
    state, text = ("not-deployed", f"{title}: {row['error']}") if row["error"] else ("", "")
    subject = deployment_subject(row["name"], row["section"], row["target"])
    return SubjectState(subject, title, state, text, "`dns01 deploy` tries again")


def _of_record(entry: Entry, *, failing: bool = False) -> SubjectState:
    title = f"the record at {entry.target}"
    state, text = ("not-cleaned-up", f"{title} is not taken back: {entry.error}") if failing else ("", "")
    hint = f"`dns01 sweep` tries again, `{giving_up(entry)}` gives it up"
    return SubjectState(record_subject(entry), title, state, text, hint)


# Telling


def _tell(
    seen: Iterable[SubjectState],
    receivers: Receivers,
    environ: Mapping[str, str],
    now: float,
    deliver: Deliver,
    at_once: bool,
) -> None:
    state = state_dir(environ)
    before = _read(state)
    notices = dict(before)
    for each in seen:
        if not each.state or _occasion(each.state) in receivers.on:
            notices.update(_noted(each, notices.get(each.subject), now))
    resting = set() if at_once else _resting(notices.values(), now)
    awake = [receiver for receiver in receivers.called if receiver not in resting]
    messages = {}
    for receiver in awake:
        due = [each for each in notices.values() if each.told.get(receiver, "") != each.state]
        if wanted := [each for each in due if each.state or "recovery" in receivers.on]:
            messages[receiver] = _message(wanted)
    refused = deliver(receivers, messages, environ) if messages else {}
    for receiver, why in refused.items():
        warning(f"the notification by {receiver} failed: {why}; a later call tries again")
    for subject, notice in notices.items():
        states = {receiver: notice.told.get(receiver, "") for receiver in receivers.called}
        states |= {receiver: notice.state for receiver in awake if receiver not in refused}
        failed = {**notice.refused, **dict.fromkeys(refused, now)}
        _write(state, notice._replace(told=states, refused=failed), before.get(subject))


def _resting(notices: Iterable[Notice], now: float) -> set[str]:
    """The receivers that have just failed."""
    return {
        name
        for notice in notices
        for name, at in notice.refused.items()
        if abs(now - at) < RECEIVER_RETRY_INTERVAL
    }


def _noted(seen: SubjectState, known: Notice | None, now: float) -> dict[str, Notice]:
    """The notice of what was seen, if that says anything new."""
    if known is None:
        if not seen.state:
            return {}
        known = Notice(seen.subject, seen.title, "", "", "", now, {}, {})
    if seen.state == known.state:
        return {}
    if not seen.state:  # what it was is what there is to say of it
        return {seen.subject: known._replace(state="")}
    changed = known._replace(
        title=redact(seen.title), state=seen.state, text=redact(seen.text), hint=redact(seen.hint), since=now
    )
    return {seen.subject: changed}


def _occasion(state: str) -> str:
    return "expiry" if state in EXPIRY else "failure"


def _message(notices: Sequence[Notice]) -> Message:
    """One for all that has changed; what several subjects have in common is said once."""
    failing = list(dict.fromkeys((each.text, each.hint) for each in notices if each.state))
    well = list(dict.fromkeys((each.title, iso(each.since)) for each in notices if not each.state))
    lines: list[str] = []
    for hint, together in groupby(failing, key=itemgetter(1)):
        lines += [text for text, _ in together]
        lines += [f"  -> {hint}"] if hint else []
    lines += [f"{title}: all is well again (it was not since {since})" for title, since in well]
    if len(lines) > LINES:
        lines[LINES:] = [f"and {len(lines) - LINES} lines more: `dns01 status` shows it all"]
    titles = list(dict.fromkeys(each.title for each in notices))
    about = titles[0] if len(titles) == 1 else f"{len(failing)} failing, {len(well)} well again"
    what = "" if len(titles) > 1 else f": {notices[0].state.replace('-', ' ') or 'all is well again'}"
    subject = f"dns01 on {os.uname().nodename}: {about[:100]}{what}"
    return Message(subject, "\n".join(lines), failing=bool(failing))


# Their files


def _decode(data: Mapping[str, Any]) -> Notice:
    notice = Notice(**{field: data[field] for field in Notice._fields})
    if not (isinstance(notice.told, dict) and isinstance(notice.refused, dict)):
        raise TypeError("told or refused is no object")
    return notice


NOTICES: RecordKind[Notice] = RecordKind(
    "notified",
    lambda notice: {**notice._asdict(), "since_at": iso(notice.since)},
    _decode,
    lambda notice: labelled(notice.subject, notice.subject),
    "a file about a notification",
    "it costs a message that was told already",
)


def _read(state: str) -> dict[str, Notice]:
    return {notice.subject: notice for notice in Store(state, NOTICES).all()}


def _write(state: str, notice: Notice, before: Notice | None) -> None:
    """The file goes once all have heard that its subject is well."""
    if not notice.state and not any(notice.told.values()):
        Store(state, NOTICES).remove([notice])
    elif notice != before:
        Store(state, NOTICES).put([notice])
