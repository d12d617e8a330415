"""``dns01 sweep``: take back what dead or failed runs left published."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import click

from ... import output
from ...errors import ConfigError, UsageError
from ..clients.call import Call
from ..phases.phase import Phase
from ..phases.session import Session
from ..state.atomic import iso
from ..state.journal import Corrupt, Entry
from ..state.liveness import ABANDONED
from .document import json_option, record, show

VERSION = 1


class Swept(NamedTuple):
    """What a sweep has found. ``orphans``: what nobody waited for; ``gone``: those that are given up;
    ``left``: what is open; ``corrupt``: what cannot be taken back, as its file cannot be read."""

    state: str
    dry_run: bool
    orphans: Sequence[Entry]
    gone: Sequence[Entry]
    left: Sequence[Entry]
    corrupt: Sequence[Corrupt]

    def verdict(self, entry: Entry) -> str:
        """What becomes of an open entry, in a word."""
        if entry in self.orphans or entry.error:
            return "to be given up" if entry in self.gone else "to be taken back"
        return "in use"


@click.command(short_help="Take back the records that earlier runs left.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only show what is open, and what would be done.")
@click.option("--forget", is_flag=True, help="Give up those of the NAMEs, or of accounts that are gone.")
@json_option("sweep")
def sweep(names: tuple[str, ...], dry_run: bool, forget: bool, as_json: bool) -> int:
    """Take back the records that earlier runs left.

    A record is an orphan when its clean-up failed, when the client that it was published for is
    gone, or, where that cannot be seen, after two hours. Exit code 1 if one could not be taken back,
    or while a file of one lies in corrupt/.

    What the provider will not let go can be given up: --forget with the domains, or without any for all
    records of accounts that are no longer configured, or are another provider's now. Whether it is still in
    the zone is then yours to see.
    """
    if names and not forget:
        raise UsageError("sweep: a NAME goes with --forget", "without one, all that is left is taken back")
    session = Session(None, os.environ)
    orphans = session.journal.orphans()
    gone = _given_up(session, orphans, names) if forget else []
    if orphans and not dry_run:
        with Phase(session, Call("dns01", "start", "sweep")) as phase:
            session.journal.forget(gone)
            phase.records.retract([entry for entry in orphans if entry not in gone])
    left = session.journal.entries()
    corrupt = session.journal.corrupt()
    swept = Swept(session.state, dry_run, orphans, gone, left, corrupt)
    (_document if as_json else _tell)(swept)
    return 1 if corrupt or (not dry_run and any(entry.error for entry in left)) else 0


def _tell(swept: Swept) -> None:
    for entry in () if swept.dry_run else swept.gone:
        output.report(f"given up, see whether it is still in the zone: {_line(entry)}")
    for entry in swept.left:
        verdict = swept.verdict(entry)
        output.report(f"{_in_use(entry) if verdict == 'in use' else verdict}: {_line(entry)}")
    for each in swept.corrupt:
        output.warning(each.text)
        output.warning(each.hint)
    if not swept.left and not swept.corrupt:
        output.report(f"nothing is open in {swept.state}")


def _document(swept: Swept) -> None:
    done = [entry for entry in swept.orphans if entry not in swept.left]
    show(
        VERSION,
        state=swept.state,
        dry_run=swept.dry_run,
        taken_back=[record(entry) for entry in done if entry not in swept.gone],
        given_up=[record(entry) for entry in done if entry in swept.gone],
        open=[record(entry) | {"verdict": swept.verdict(entry)} for entry in swept.left],
        corrupt=[each._asdict() for each in swept.corrupt],
    )


def _given_up(session: Session, orphans: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """The orphans to give up. Where nothing is configured at all, this raises ConfigError: nothing is given
    up by mistake. Raises UsageError for a name that nothing is left of."""
    if not names:
        return [entry for entry in orphans if not _has_account(session, entry)]
    found = {name: [e for e in orphans if name in (e.domain, e.name, e.target)] for name in names}
    for name, entries in found.items():
        if not entries:
            raise UsageError(f"nothing is left of {name}", "`dns01 sweep --dry-run` shows what is open")
    return [entry for entries in found.values() for entry in entries]


def _has_account(session: Session, entry: Entry) -> bool:
    """Whether the account that the entry was published through is still configured, and its provider's."""
    settings = session.settings
    with suppress(ConfigError):
        return bool(settings.account_named(entry.account, entry.provider))
    return False


def _in_use(entry: Entry) -> str:
    """Whether an unknown client is gone cannot be seen: then there is only the time."""
    return "in use" if entry.client else f"in use until {iso(entry.opened + ABANDONED)} at the latest"


def _line(entry: Entry) -> str:
    client = f"{entry.client.name} (process {entry.client.pid})" if entry.client else "an unknown client"
    error = f"; failed tries: {entry.tries}, the last one: {entry.error}" if entry.error else ""
    return f"{entry.target} TXT {entry.value} in {entry.zone}, account {entry.account}, for {client}{error}"
