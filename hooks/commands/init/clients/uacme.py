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
    common = ["uacme", "-v", "-y", *_server(order), "-c", folder(certificate_paths.UACME, "~/.uacme")]
    account = [*common, "new", *([order.email] if order.email else [])]
    return [account, [*common, "-h", order.hook, "issue", *order.names]]


def paste(order: SetupRequest) -> list[str]:
    return [f"{assignments(order.environment)} {shlex.join(command)}".strip() for command in first(order)]


def daily(order: SetupRequest) -> str:
    return paste(order)[-1]


def renewal(order: SetupRequest) -> list[str]:
    return cron("uacme", daily(order))


UACME = ClientSetup("uacme", ("uacme",), nothing, paste, first, renewal, daily)
