"""``dns01 sweep``: take back what dead or failed runs left published."""

from __future__ import annotations

import os

import click

from ..clients.call import Call
from ..phases import Desk
from ..state.atomic import iso
from ..state.journal import Entry
from ..state.orphans import ABANDONED


@click.command(short_help="Take back the records that earlier runs left.")
@click.option("--dry-run", is_flag=True, help="Only show what is open, and what would be done.")
@click.option("--forget", is_flag=True, help="Give up the records of accounts that are no longer configured.")
def sweep(dry_run: bool, forget: bool) -> int:
    """Take back the records that earlier runs left.

    A record is an orphan when its clean-up failed, when the client that it was published for is
    gone, or after two hours. Exit code 1 if one could not be taken back.
    """
    desk = Desk(None, os.environ)
    orphans = desk.journal.orphans()
    # Where nothing is configured at all, this raises ConfigError: nothing is given up by mistake.
    gone = [entry for entry in orphans if entry.account not in desk.settings.accounts] if forget else []
    if orphans and not dry_run:
        with desk.recorded(Call("dns01", "start", "sweep")):
            desk.journal.forget(gone)
            desk.records.retract([entry for entry in orphans if entry not in gone])
        for entry in gone:
            click.echo(f"given up, see whether it is still in the zone: {_line(entry)}")
    left = desk.journal.entries()
    for entry in left:
        orphaned = "to be given up" if entry in gone else "to be taken back"
        click.echo(f"{orphaned if entry in orphans or entry.error else _in_use(entry)}: {_line(entry)}")
    if not left:
        click.echo("nothing is open")
    return 1 if not dry_run and any(entry.error for entry in left) else 0


def _in_use(entry: Entry) -> str:
    """Whether an unknown client is gone cannot be seen: then there is only the time."""
    return "in use" if entry.client else f"in use until {iso(entry.opened + ABANDONED)} at the latest"


def _line(entry: Entry) -> str:
    client = f"{entry.client.name} (process {entry.client.pid})" if entry.client else "an unknown client"
    error = f"; failed tries: {entry.tries}, the last one: {entry.error}" if entry.error else ""
    return f"{entry.target} TXT {entry.value} in {entry.zone}, account {entry.account}, for {client}{error}"
