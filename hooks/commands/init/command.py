"""``dns01 init``, told in its order: what is asked, what is written, whether it works, what comes next."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from .... import output
from ....errors import UsageError
from . import name_server, next_steps, renewal
from .ask import answers, ca, credentials, zones
from .ask.questions import Questions
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
    try:
        return _set_up(Options(**given))
    except click.Abort:
        output.failure("stopped: nothing more is written")
        return 130


def _set_up(options: Options) -> int:
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
    ours = [*own, *client.drafts(order)]
    drafts = [*(server.drafts if server else ()), *ours, *renewing]
    before = files.as_they_are(server.drafts if server else ())
    written = _write(questions, drafts, agreed=options.yes)
    if server:
        name_server.have_it_read(server, before, written)
    renewal.enable(client, written)
    next_steps.use(file)
    if options.doctor and next_steps.would_fail(order):
        return 1
    issued = next_steps.order_first(questions, client, order, options.order)
    if issued is not False:
        next_steps.say_what_comes_next(client, order, account.provider, file, issued=issued is True)
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


def _write(questions: Questions, drafts: Sequence[files.Draft], *, agreed: bool) -> Sequence[files.Draft]:
    """Show what would change, ask, and have it changed; gives what was."""
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
    files.write(changed)
    for draft in changed:
        output.step(f"wrote {draft.path}")
    return changed
