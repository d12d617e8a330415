"""What earlier runs left: TXT values that nobody waits for, and journal entries never taken back."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence

from .....errors import DelegationError, HookError, StateError
from .....providers.base import LimitsValues
from ....dns.destination import Destination
from ....dns.message import TXT
from ....state.atomic import usable
from ....state.folder import check_own
from ....state.journal import Entry, Journal, giving_up
from ..finding import Examined, Finding, Severity
from .subjects.answers import asking
from .subjects.destination import followed
from .subjects.zones import zone_of

SWEEP = "dns01 sweep"
MANY = 20  # values of 43 characters, and their names, fit a datagram of 1,232 octets
SHOWN = 8  # of the values that are to be removed
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 8555 §8.4: any other value is not of an ACME client


def check(examined: Examined) -> Iterator[Finding]:
    """Compare what stands at the challenge name with what the journal knows of it."""
    journal = Journal(examined.settings.state)
    try:
        _check_room(examined.settings.state, examined.user.uid if examined.user else None)
        entries = journal.entries()
        orphans = [entry for entry in journal.orphans() if entry.name == examined.name]
        corrupt = journal.corrupt()
    except StateError as error:
        yield Finding("state-unusable", Severity.ERROR, examined.settings.state, str(error), (error.hint,))
        return
    for file in corrupt:
        severity = Severity.WARNING if file.name == examined.name else Severity.NOTE
        yield Finding("corrupt-entry", severity, file.name, file.text, (file.hint,))
    for entry in orphans:
        yield _open(entry, gone=entry.account not in examined.settings.accounts)
    try:
        delegation = followed(examined)
    except DelegationError:
        return
    if delegation.trouble:  # nobody answers: the delegation's finding
        return
    known = {entry.value for entry in entries if entry.target == delegation.target}
    shown = _shown(examined, delegation)
    strange = sorted(filter(CHALLENGE.fullmatch, frozenset().union(*shown) - known))
    if strange and not _keeps_old_values(examined, delegation):
        yield _stale(delegation, strange)


def _shown(examined: Examined, delegation: Destination) -> list[frozenset[str]]:
    """The TXT values at the record's name, as every server that answers has them."""
    target = delegation.target
    survey = None if examined.settings.nameservers_for(examined.name) else zone_of(examined, target)
    if survey is None:
        return examined.places.look([target])[target]
    answers = asking(examined, survey, target, TXT).result().values()
    return [answer.texts for answer in answers if answer.authoritative]


def _check_room(folder: str, user: int | None = None) -> None:
    """Raises StateError where nothing could be written to the state folder, or it could not be made, or
    where a phase of the user's (uid; the effective one, where none is given) would not use it."""
    existing = folder
    while not os.path.lexists(existing):
        existing = os.path.dirname(os.path.abspath(existing))
    with usable(folder):
        if existing == folder:
            check_own(folder, user)
        elif not os.path.isdir(existing):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if os.statvfs(existing).f_flag & os.ST_RDONLY:  # of which access(2) tells root nothing
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        if not os.access(existing, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        disk = os.statvfs(existing)
        full = disk.f_blocks and not (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail)
        if full or (disk.f_files and not disk.f_ffree):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _open(entry: Entry, *, gone: bool) -> Finding:
    """``gone``: its account is configured no more, so that nobody can take it back."""
    failed = f"; failed tries: {entry.tries}, the last one: {entry.error}" if entry.error else ""
    return Finding(
        "open-entry",
        Severity.WARNING,
        entry.target,
        f"the value {entry.value} of an earlier run was never taken back{failed}",
        _steps(entry, gone=gone),
    )


def _steps(entry: Entry, *, gone: bool) -> tuple[str, ...]:
    if gone:
        return (
            f"configure its account {entry.account} once more, then: {SWEEP}",
            f"or remove it by hand, {entry.target}. TXT, and give it up: {giving_up(entry)}",
        )
    if entry.error:
        return (SWEEP, f"or, where the provider never lets it go, give it up: {giving_up(entry)}")
    return (SWEEP,)


def _keeps_old_values(examined: Examined, delegation: Destination) -> bool:
    """Whether the provider never removes a value, but lets a newer one take its place (acme-dns)."""
    try:
        accounts = examined.settings.accounts_for(delegation.target, examined.name)
        return any(
            isinstance(examined.places.accounts.provider(account), LimitsValues) for account in accounts
        )
    except HookError:
        return False


def _stale(delegation: Destination, strange: Sequence[str]) -> Finding:
    count = f"{len(strange)} TXT values stand" if len(strange) > 1 else "a TXT value stands"
    where = f" from the zone {delegation.zone}" if delegation.zone else ""
    return Finding(
        "stale-txt",
        Severity.WARNING if len(strange) > MANY else Severity.NOTE,  # the hook goes on beside a few
        delegation.target,
        f"{count} there that no run of this machine has open: many of them make the CA's lookup fail",
        (
            "if another ACME client orders a certificate for this name right now, let it finish",
            *(f'remove{where}: {delegation.target}. TXT "{value}"' for value in strange[:SHOWN]),
            *([f"and {len(strange) - SHOWN} more of them"] if len(strange) > SHOWN else []),
        ),
    )
