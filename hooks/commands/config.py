"""``dns01 config check``: is the configuration right, before a client finds out that it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

import click

from ... import output
from ...errors import ConfigError
from ..config.environment import OF_ACCOUNTS
from ..config.load import load_settings, open_account
from ..config.settings import Settings, ZoneRule
from ..deploy.section import load_deployments
from ..issue.fleet.section import load_fleet
from ..issue.inventory.read import read_inventory
from ..issue.section import load_ca, load_issue
from ..notify.section import load_receivers
from ..state.audit.section import load_audit


@click.group(no_args_is_help=False, short_help="Check the configuration: `dns01 config check`.")
def config() -> None:
    """Look at the configuration."""


@config.command(short_help="Read it as a hook would, and say what is wrong.")
@click.argument("file", required=False, type=click.Path())
def check(file: str | None) -> None:
    """Read the configuration as a hook would, and show which account serves what, on what terms.

    With FILE, of that file, whatever account the environment has. Nothing is sent anywhere. Exit
    code 3 if something is wrong.
    """
    environ = dict(os.environ)
    if file:
        environ = {name: value for name, value in environ.items() if name not in OF_ACCOUNTS}
        environ["DNS01_CONFIG"] = os.path.abspath(file)
    settings = load_settings(environ)
    for account in settings.accounts.values():
        open_account(account)
        named = ", ".join(rule.apex for rule in settings.zones if account.name in rule.accounts)
        only = len(settings.accounts) == 1
        zones = "every zone" if only else named or "no zone: name it in a [zone] section"
        output.report(f"account {output.account(account.name, account.provider)}: {zones}")
    for rule in settings.zones:
        if terms := ", ".join(_terms(rule)):
            output.report(f"zone {rule.apex}: {terms}")
    for deployment in load_deployments(environ):
        deployment.target()
        output.report(f"certificate {deployment.pattern}: {deployment.name} ({deployment.kind})")
    ordered, copies = _ordered(environ, settings), load_audit(environ).to
    if receivers := load_receivers(environ):
        output.report(f"notified: {', '.join(receivers.called)}")
    if copies:
        output.report(f"audit trail: to {' and '.join(copies)} as well")
    if ordered:
        output.report(ordered)
    output.report(f"state: {settings.state}")
    output.report("the configuration is right")


def _ordered(environ: Mapping[str, str], settings: Settings) -> str:
    """What `dns01 issue` would look after. No inventory command is run. Raises ConfigError."""
    section, fleet = load_issue(environ), load_fleet(environ)
    sources = [path for path in (section.inventory, *section.inventory_command[:1]) if path]
    if not (section.tables or sources or fleet):
        return ""
    ca = load_ca(environ)
    inventory = read_inventory(section._replace(inventory_command=()), environ, settings.accounts)
    for rejected in inventory.rejected:
        raise ConfigError(f"{rejected.where}: {rejected.message}", rejected.hint)
    where = "the database of [fleet]" if fleet else ", ".join(sources)
    more = f", and those of {where}" if where else ""
    return f"certificates ordered from {ca.directory}: {len(inventory.certificates)}{more}"


def _terms(rule: ZoneRule) -> Iterator[str]:
    """What the section says besides its only account."""
    if len(rule.accounts) > 1:
        yield f"published through each of {', '.join(rule.accounts)}"
    if rule.id:
        yield f"id {rule.id}"
    if rule.nameservers:
        yield f"nameservers {' '.join(map(str, rule.nameservers))}"
    if rule.readiness:
        yield f"readiness {rule.readiness}"
    yield from (f"{key} {value:g}" for key, value in rule.overrides.items())
