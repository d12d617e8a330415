"""``dns01 init``, told in its order: what is asked, what is written, whether it works, what comes next."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import click

from .... import output
from ....errors import UsageError
from . import name_server, next_steps, renewal
from .ask import answers, ca, credentials, zones
from .ask.questions import Questions
from .bind.preparation import Preparation
from .clients import ClientSetup, SetupRequest
from .clients.registry import CLIENTS
from .options import Options
from .written import configuration, files


@click.command(short_help="Set everything up for the first certificate.")
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...")
@click.option("--client", metavar="NAME", help=f"Who orders: {', '.join(CLIENTS)}.")
@click.option("--provider", metavar="NAME", help="The DNS provider; `dns01 providers` lists them.")
@click.option("--account", metavar="NAME", help="What its account is called; else as the provider.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A setting of the account.")
@click.option(
    "--secret", "secrets", metavar="KEY=FILE", multiple=True, help="A secret, from a file (-: stdin)."
)
@click.option("--from", "source", metavar="FILE", help="Take the account from this file.")
@click.option("--email", metavar="ADDRESS", help="For the account at the CA.")
@click.option("--ca", metavar="CA", help="Its short name, or the URL of its ACME directory.")
@click.option("--staging/--production", default=None, help="The CA's test directory, or the real one.")
@click.option("--cli-ini", is_flag=True, help="certbot: write its cli.ini, for all its certificates.")
@click.option("--doctor/--no-doctor", default=True, help="Look whether an order would succeed.")
@click.option("--order/--no-order", default=None, help="Order now, agreeing to the CA's terms.")
@click.option("--bind/--no-bind", default=None, help="Have this machine's BIND take the updates.")
@click.option("--renewal/--no-renewal", default=None, help="Have cron or a timer renew it.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the defaults, and write.")
def init(**given: Any) -> int:
    """Write the configuration of dns01 and of the ACME client, for a certificate for the DOMAINs.

    What it can find out it does not ask: credentials in the environment and in files of acme-dns, acme.sh,
    BIND, certbot's plugins, lego, lexicon and pyrax. All that is asked is an option as well; the KEYs are
    those that `dns01 providers NAME` explains. The difference is shown before anything is written, and a
    second run changes nothing. Exit code 1 if an order would fail, 5 if the
    provider refuses the credentials.
    """
    options = Options(**given)
    try:
        with _told_if_stopped("nothing has been written"):
            plan = _planned(options)
        with _told_if_stopped("what is written stays: run init again, and it goes on from there"):
            return _carried_out(plan, options)
    except click.Abort:
        output.failure("stopped")
        return 130


class Plan(NamedTuple):
    """All that has been answered, and what is to be written. ``changed``: the drafts that differ from what
    is on the disk. ``server``: of the BIND of this machine, if it is to be changed."""

    questions: Questions
    client: ClientSetup
    account: configuration.Chosen
    order: SetupRequest
    file: str
    server: Preparation | None
    renewing: Sequence[files.Draft]
    changed: Sequence[files.Draft]


@contextmanager
def _told_if_stopped(left: str) -> Iterator[None]:
    """Somebody who stops it (^C, ^D, no to the difference, a signal) is told what that leaves behind."""
    try:
        yield
    except BaseException as reason:
        if isinstance(reason, click.Abort) or not isinstance(reason, Exception):
            output.warning(left)
        raise


def _planned(options: Options) -> Plan:
    """Ask for everything, up to whether to write it. Raises HookError, click.Abort."""
    answers.check(options)
    questions = Questions(asks=sys.stdin.isatty() and not options.yes)
    file = configuration.path()
    settings = configuration.present(file)
    client = answers.choose_client(questions, options)
    if lacking := next_steps.missing_program(client):
        output.warning(
            f"{lacking} is not installed: `apt-get install {lacking}` first keeps its own files whole"
        )
    names = answers.choose_names(questions, options, client)
    account = answers.choose_account(questions, options, settings, names)
    server = name_server.prepared(questions, options.bind, account, names)
    if options.doctor and not server:  # a key that BIND is about to be given is not known to it yet
        confirmed = zones.confirmed(questions, credentials.accepted(questions, account, names), names)
        if confirmed != (account, names):
            account, names = confirmed
            server = name_server.prepared(questions, options.bind, account, names)
    order = ca.choose_order(questions, options, client, names, file)
    renewing = _renewing(questions, options, client, order)
    own = configuration.drafts(file, settings, account, names, is_sequential=client.is_sequential)
    drafts = [*(server.drafts if server else ()), *own, *client.drafts(order), *renewing]
    changed = _agreed(questions, drafts, agreed=options.yes)
    return Plan(questions, client, account, order, file, server, renewing, changed)


def _carried_out(plan: Plan, options: Options) -> int:
    """Write it, see whether an order would succeed, order, and say what comes next; gives the exit code."""
    client, order, server = plan.client, plan.order, plan.server
    before = files.as_they_are(server.drafts if server else ())
    _write(plan.changed)
    if server:
        name_server.have_it_read(server, before, plan.changed)
    renewal.enable(client, plan.renewing, plan.changed)
    next_steps.use(plan.file)
    if options.doctor and next_steps.would_fail(order):
        return 1
    issued = next_steps.order_first(plan.questions, client, order, options.order)
    if issued is not False:
        next_steps.say_what_comes_next(client, order, plan.account.provider, plan.file, issued=issued is True)
    return 1 if issued is False else 0


def _renewing(
    questions: Questions, options: Options, client: ClientSetup, order: SetupRequest
) -> Sequence[files.Draft]:
    """What has it renewed, if that is wanted; what a staging CA has issued is not for keeping."""
    drafts = [] if options.renewal is False or order.is_staging else renewal.drafts(client, order)
    if not files.changes(drafts) or options.renewal:
        return drafts
    question = f"Have {client.name} renew what is due, every night?"
    return drafts if questions.agreed(question, "--renewal") else []


def _agreed(questions: Questions, drafts: Sequence[files.Draft], *, agreed: bool) -> list[files.Draft]:
    """Show what would change, and ask whether it may; gives the drafts that differ from what is there."""
    changed = files.changes(drafts)
    if not changed:
        output.report(f"nothing has to be changed in {', '.join(draft.path for draft in drafts)}")
        return []
    for draft in changed:
        for line in files.difference(draft):
            output.report(line)
    if not agreed and not questions.asks:
        raise UsageError(
            "init: there is no --yes, and nobody to ask", "give it --yes. Nothing has been written"
        )
    if not agreed and not questions.agreed("Write this?", "--yes"):
        raise click.Abort
    return changed


def _write(changed: Sequence[files.Draft]) -> None:
    if changed:
        files.write(changed)
    for draft in changed:
        output.step(f"wrote {draft.path}")
