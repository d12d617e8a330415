"""``dns01 config check``: is the configuration right, before a client finds out that it is not."""

from __future__ import annotations

import os

import click

from .. import config as settings_of


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@click.argument("file", required=False, type=click.Path())
def check(file: str | None) -> None:
    """Read the configuration (of FILE, if given) as a hook would, and show which account serves what.

    Nothing is sent anywhere. Exit code 3 if something is wrong.
    """
    chosen = {"DNS01_CONFIG": os.path.abspath(file)} if file else {}
    settings = settings_of.load({**os.environ, **chosen})
    for account in settings.accounts.values():
        settings_of.open_account(account)
        named = ", ".join(rule.apex for rule in settings.zones if rule.account == account.name)
        only = len(settings.accounts) == 1
        zones = "every zone" if only else named or "no zone: name it in a [zone] section"
        click.echo(f"account {account.name} ({account.provider}): {zones}")
    click.echo(f"state: {settings.state}")
    click.echo("the configuration is right")
