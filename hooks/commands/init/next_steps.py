"""After the files are written: whether an order would succeed, the first order, and what comes next."""

from __future__ import annotations

import os
import shlex

import click

from .... import output
from ...caa.issuers import PRESETS
from ...config.environment import OF_ACCOUNTS
from . import client_run, deployment
from .ask.questions import Questions
from .clients import ClientSetup, SetupRequest, assignments, is_installed, nothing
from .renewal import is_scheduled

REST_OF_TTL = "(right away it waits up to a minute: for so long a CA may remember this order's record)"
ANEW = " anew, if the one that is there is of another CA"
REGISTERED = ("acmedns",)  # providers with an account for each domain, which `dns01 register` makes


def use(file: str) -> None:
    """Set this process's environment so that it, and what it starts, reads the configuration file: variables
    that stand for an account would be refused beside it."""
    if names := [name for name in OF_ACCOUNTS if os.environ.pop(name, "")]:
        output.warning(f"the account is in the file now: unset {' '.join(names)}")
    os.environ["DNS01_CONFIG"] = file


def would_fail(order: SetupRequest) -> bool:
    """Whether the doctor finds what would make an order fail; it says what."""
    from ..doctor.command import show_findings
    from ..doctor.finding import Severity

    done_here = {  # what init has written, the first order, or a step behind it sees to, or another client
        "not-in-domains-txt": Severity.NOTE,
        "account-missing": Severity.ERROR,
        "no-timer": Severity.WARNING,
        "staging-ca": Severity.NOTE,
    }
    output.report(f"$ dns01 doctor {shlex.join(order.names)}")
    if (
        show_findings(order.names, order.word if order.word in PRESETS else "", without=done_here)
        == Severity.ERROR
    ):
        output.failure(
            "an order would fail",
            "mend what the doctor has found, and run init again; it takes other credentials than those "
            "that it has written by --secret KEY=FILE and --set KEY=VALUE",
        )
        return True
    return False


def order_first(
    questions: Questions, client: ClientSetup, order: SetupRequest, wanted: bool | None
) -> bool | None:
    """Run the client for the first certificate. Gives whether it succeeded; None where that was not wanted.
    On a terminal it is asked for, if the CA is a staging one."""
    commands = client.first(order)
    if not commands:
        return None
    if lacking := missing_program(client):
        if wanted:
            output.failure(
                f"{lacking} is not installed, and nothing was ordered", f"apt-get install {lacking}"
            )
        return False if wanted else None
    if wanted is None and questions.asks and order.is_staging:
        wanted = questions.agreed("Order it from the staging CA, agreeing to its terms?", "--order")
    if not wanted:
        return None
    variables = client.environment(order)
    if client.is_silent:
        output.step(f"{client.name} shows nothing of the wait for the name servers until that is over")
    failed = 0
    for command in commands:  # the last one tells: uacme fails to make an account that it has
        click.echo(f"$ {' '.join(filter(None, (assignments(variables), shlex.join(command))))}")
        failed = client_run.run(command, {**os.environ, **variables})
    if failed:
        output.failure(f"{client.name} brought no certificate", "it says why above")
    return not failed


def missing_program(client: ClientSetup) -> str:
    """The client's program, where it orders by one that is not installed; else empty."""
    return "" if client.first is nothing or is_installed(client) else client.programs[0]


def say_what_comes_next(
    client: ClientSetup, order: SetupRequest, provider: str, file: str, *, issued: bool
) -> None:
    """The steps that are left, each with what to paste. No line is broken."""
    steps: list[tuple[str, list[str]]] = []
    if lacking := missing_program(client):
        steps.append((f"install {client.name}", [f"apt-get install {lacking}"]))
    if not issued and provider in REGISTERED:
        registration = shlex.join(["dns01", "register", *order.names])
        steps.append(("have accounts there, and the CNAMEs that lead to them", [registration]))
    if not issued:
        commands = client.first(order)
        what = "order the certificate" if commands else f"configure {client.name}"
        what += ANEW if commands and client.is_there(order) else ""
        steps.append((what, [*client.paste(order)] or [shlex.join(words) for words in commands]))
    if order.is_staging:
        email = [] if client.address() == order.email else ["--email", order.email]
        again = ["dns01", "init", "--production", "--order", "--client", client.name, *email, *order.names]
        what = "have certificates that browsers trust"
        when = f"now {what} {REST_OF_TTL}" if issued else f"once that works, {what}"
        steps.append((when, [shlex.join(again)]))
    elif not (client.daily(order) and is_scheduled(client)):  # one of a staging CA is not for keeping
        steps.append(("have it renewed", [*client.renewal(order)]))
    if not order.is_staging:  # what such a CA has issued is brought nowhere
        steps.append(
            ("bring it to where it is used (more: docs/deploy.rst)", [*deployment.lines(order, file)])
        )
    click.echo("\nWhat comes next:")
    for number, (what, lines) in enumerate(steps, 1):
        click.echo(f"  {number}. {what}:")
        for line in lines:
            click.echo(f"       {line}")
