"""``dns01 status``: how every certificate stands, for a person and for monitoring."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import click

from .... import output
from ....errors import ConfigError, HookError, UsageError
from ...deploy.service.served_certificate import service
from .expiry import Level, Limits
from .files import STDOUT, write
from .formats import document, page, prometheus, table
from .overview import read_overview
from .reminders import remind


class _Days(click.FloatRange):
    """Neither infinite nor none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        days = super().convert(value, param, ctx)
        if days != days:
            self.fail(f"{value} is no number of days", param, ctx)
        return days


DAYS = _Days(min=0, max=36500)
COLLECTED = "name a file in the folder of --collector.textfile.directory that this user may write to"


class _Misuse(click.UsageError):
    exit_code = Level.UNKNOWN.value


class _Plugin(click.Command):
    """A command whose wrong use is UNKNOWN to a monitoring system, and not CRITICAL."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _Misuse(error.format_message(), error.ctx) from None


@click.command(cls=_Plugin, short_help="Show every certificate, the most urgent first.")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="For programs: docs/status.schema.json describes it.")
@click.option(
    "--prometheus", "metrics", metavar="FILE", help="Write metrics too, for node_exporter's textfiles."
)
@click.option("--html", metavar="FILE", help="Write a page for a browser too.")
@click.option("--probe", multiple=True, metavar="HOST:PORT", help="Look at this service too; repeatable.")
@click.option("--warning", type=DAYS, metavar="DAYS", help="WARNING with less than this left.")
@click.option("--critical", type=DAYS, metavar="DAYS", help="CRITICAL with less than this left.")
@click.option("--notify", is_flag=True, help="Tell those in [notify] what has changed, once.")
def status(
    folders: tuple[str, ...],
    as_json: bool,
    metrics: str | None,
    html: str | None,
    probe: tuple[str, ...],
    warning: float | None,
    critical: float | None,
    notify: bool,
) -> int:
    """Show every certificate, the most urgent first: those that were brought somewhere, and those
    in each FOLDER, or else in dehydrated's and certbot's folders.

    No DNS account and no key is needed. The first line and the exit code are those of a monitoring
    plugin: 0 OK, 1 WARNING (less than a quarter of the lifetime left, 21 days at most; a failure),
    2 CRITICAL (a tenth, 7 days at most; expired), 3 UNKNOWN.
    """
    try:
        _check(probe)
        limits = Limits(*(None if days is None else timedelta(days=days) for days in (warning, critical)))
        overview = read_overview(folders, probe, limits, os.environ)
        if metrics is not None:
            write(metrics, prometheus.text(overview), COLLECTED)
        if html is not None:
            write(html, page.text(overview), "name a file in a folder that this user may write to")
    except HookError as error:
        output.report(f"DNS01 UNKNOWN - {error}")
        output.report(f"   -> {error.hint}")
        return Level.UNKNOWN.value
    if notify:
        remind(overview, os.environ)
    if as_json:
        output.document(document.document(overview))
    elif STDOUT not in (metrics, html):
        table.show(overview)
    return overview.level.value


def _check(probes: tuple[str, ...]) -> None:
    for where in probes:
        try:
            service(where)
        except ConfigError as error:
            raise UsageError(f"--probe: {error}", error.hint) from None
