"""``dns01 config check``: is the configuration right, before a client finds out that it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from ... import output
from ...errors import ConfigError
from ...options import at
from ..config.environment import OF_ACCOUNTS
from ..config.load import load_settings, open_account
from ..config.settings import Account, Settings, ZoneRule
from ..deploy.section import Deployment, load_deployments
from ..deploy.targets.base import NamesAccounts
from ..issue.fleet.section import load_fleet
from ..issue.inventory.read import read_inventory
from ..issue.section import load_ca, load_issue
from ..notify.section import load_receivers
from ..state.audit.section import load_audit
from .document import json_option, show


@click.group(no_args_is_help=False, short_help="Check the configuration: `dns01 config check`.")
def config() -> None:
    """Check the configuration."""


VERSION = 1


class Ordered(NamedTuple):
    """What ``dns01 issue`` would look after. ``sources``: where more certificates come from."""

    directory: str
    certificates: int
    sources: tuple[str, ...]


class Checked(NamedTuple):
    """All sections of a configuration, each of them read without an error."""

    settings: Settings
    deployments: Sequence[Deployment]
    ordered: Ordered | None
    notified: Sequence[str]
    copies: Sequence[str]  # where the audit trail goes besides its file

    def zones_of(self, account: Account) -> list[str] | None:
        """The zones that name the account; None: every zone is the only account's."""
        if len(self.settings.accounts) == 1:
            return None
        return [rule.apex for rule in self.settings.zones if account.name in rule.accounts]


@config.command(short_help="Read it as a hook would, and say what is wrong.")
@click.argument("file", required=False, type=click.Path())
@json_option("config")
def check(file: str | None, as_json: bool) -> None:
    """Read the configuration as a hook would, and show which account serves what, on what terms.

    With FILE, of that file, whatever account the environment has. Nothing is sent anywhere. Exit
    code 3 if something is wrong.
    """
    environ = dict(os.environ)
    if file:
        environ = {name: value for name, value in environ.items() if name not in OF_ACCOUNTS}
        environ["DNS01_CONFIG"] = os.path.abspath(file)
    (_document if as_json else _tell)(_checked(environ))


def _checked(environ: Mapping[str, str]) -> Checked:
    """Read every section, those first that do without any account. Raises ConfigError."""
    copies, receivers = load_audit(environ).to, load_receivers(environ)
    settings = load_settings(environ)
    for account in settings.accounts.values():
        open_account(account)
    deployments = load_deployments(environ)
    for deployment in deployments:
        _check_target(deployment)
    ordered = _ordered(environ, settings)
    return Checked(settings, deployments, ordered, receivers.called if receivers else (), copies)


def _check_target(deployment: Deployment) -> None:
    """Raises ConfigError."""
    target = deployment.target()
    with at(f'[deploy."{deployment.pattern}".{deployment.configured}]'):
        if isinstance(target, NamesAccounts):
            target.check_accounts()


def _tell(checked: Checked) -> None:
    settings, ordered = checked.settings, checked.ordered
    for account in settings.accounts.values():
        named = checked.zones_of(account)
        listed = "every zone" if named is None else ", ".join(named)
        zones = listed or "no zone: name it in a [zone] section"
        output.report(f"account {output.account(account.name, account.provider)}: {zones}")
    for rule in settings.zones:
        if terms := ", ".join(_terms(rule)):
            output.report(f"zone {rule.apex}: {terms}")
    for deployment in checked.deployments:
        output.report(f"certificate {deployment.pattern}: {deployment.name} ({deployment.kind})")
    if checked.notified:
        output.report(f"notified: {', '.join(checked.notified)}")
    if checked.copies:
        output.report(f"audit trail: to {' and '.join(checked.copies)} as well")
    if ordered:
        more = f", and those of {', '.join(ordered.sources)}" if ordered.sources else ""
        output.report(f"certificates ordered from {ordered.directory}: {ordered.certificates}{more}")
    output.report(f"state: {settings.state}")
    output.report("the configuration is right")


def _document(checked: Checked) -> None:
    settings = checked.settings
    show(
        VERSION,
        source=settings.source,
        state=settings.state,
        accounts=[
            {"name": account.name, "provider": account.provider, "zones": checked.zones_of(account)}
            for account in settings.accounts.values()
        ],
        zones=[_zone(rule) for rule in settings.zones],
        deployments=[
            {"certificate": each.pattern, "target": each.name, "kind": each.kind}
            for each in checked.deployments
        ],
        ordered=checked.ordered._asdict() if checked.ordered else None,
        notified=list(checked.notified),
        audit_copies=list(checked.copies),
    )


def _zone(rule: ZoneRule) -> dict[str, Any]:
    return {
        "apex": rule.apex,
        "accounts": list(rule.accounts),
        "id": rule.id or None,
        "nameservers": list(map(str, rule.nameservers)),
        "readiness": rule.readiness,
        "cname": rule.cname,
        "overrides": dict(rule.overrides),
    }


def _ordered(environ: Mapping[str, str], settings: Settings) -> Ordered | None:
    """What `dns01 issue` would look after. No inventory command is run. Raises ConfigError."""
    section, fleet = load_issue(environ), load_fleet(environ)
    sources = [path for path in (section.inventory, *section.inventory_command[:1]) if path]
    if not (section.tables or sources or fleet):
        return None
    ca = load_ca(environ)
    inventory = read_inventory(section._replace(inventory_command=()), environ, settings.accounts)
    for rejected in inventory.rejected:
        raise ConfigError(f"{rejected.where}: {rejected.message}", rejected.hint)
    where = ("the database of [fleet]",) if fleet else tuple(sources)
    return Ordered(ca.directory, len(inventory.certificates), where)


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
