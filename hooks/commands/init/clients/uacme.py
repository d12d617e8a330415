"""uacme: its two commands."""

from __future__ import annotations

import shlex

from ....caa.issuers import PRESETS
from ....clients.setup import certificate_paths
from . import LETSENCRYPT, ClientSetup, SetupRequest, assignments, cron, folder, nothing


def _server(order: SetupRequest) -> list[str]:
    if order.directory == PRESETS["letsencrypt-test"]:
        return ["-s"]
    return [] if order.directory == LETSENCRYPT else ["-a", order.directory]


def first(order: SetupRequest) -> list[list[str]]:
    """The commands that register the account and order the certificate."""
    common = ["uacme", "-v", "-y", *_server(order), "-c", folder(certificate_paths.UACME, "~/.uacme")]
    account = [*common, "new", *([order.email] if order.email else [])]
    return [account, [*common, "-h", order.hook, "issue", *order.names]]


def paste(order: SetupRequest) -> list[str]:
    """The commands that register and order, with their variables, in lines to paste."""
    return [f"{assignments(order.environment)} {shlex.join(command)}".strip() for command in first(order)]


def daily(order: SetupRequest) -> str:
    """The command that renews what is due, for a shell: the one that orders, which looks whether it is."""
    return paste(order)[-1]


def renewal(order: SetupRequest) -> list[str]:
    """What has the renewal run once a day, in lines to paste."""
    return cron("uacme", daily(order))


UACME = ClientSetup("uacme", ("uacme",), nothing, paste, first, renewal, daily)
