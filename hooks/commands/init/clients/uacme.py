"""uacme: its two commands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from ....caa.issuers import PRESETS
from ....clients.setup import certificate_paths
from . import LETSENCRYPT, ClientSetup, SetupRequest, assignments, cron, folder, nothing

NOT_DUE = 1  # what it ends with, where nothing is to be done (uacme(1))


def _server(order: SetupRequest) -> list[str]:
    if order.directory == PRESETS["letsencrypt-test"]:
        return ["-s"]
    return [] if order.directory == LETSENCRYPT else ["-a", order.directory]


def _folder() -> str:
    return folder(certificate_paths.UACME, "~/.uacme")


def _command(order: SetupRequest, *more: str) -> list[str]:
    return ["uacme", *more, "-y", *_server(order), "-c", _folder()]


def _issue(order: SetupRequest) -> list[str]:
    return ["-h", order.hook, "issue", *order.names]


def first(order: SetupRequest) -> list[list[str]]:
    """The commands that register the account and order the certificate, also where one is there that is not
    due."""
    account = [*_command(order, "-v"), "new", *([order.email] if order.email else [])]
    anew = ["-f"] if is_there(order) else []
    return [account, [*_command(order, "-v"), *anew, *_issue(order)]]


def is_there(order: SetupRequest) -> bool:
    """Whether it has a certificate of the first name, which is that of its folder."""
    names = (order.names[0], order.names[0].removeprefix("*."))
    return any(os.path.exists(f"{_folder()}/{name}/cert.pem") for name in names)


def paste(order: SetupRequest) -> list[str]:
    """The commands that register and order, with their variables, in lines to paste."""
    return [_in_shell(order, command) for command in first(order)]


def _in_shell(order: SetupRequest, command: Sequence[str]) -> str:
    return f"{assignments(order.environment)} {shlex.join(command)}".strip()


def daily(order: SetupRequest) -> str:
    """The command that renews what is due, for a shell: the one that orders, which looks whether it is."""
    return f"{_in_shell(order, [*_command(order), *_issue(order)])} || [ $? -eq {NOT_DUE} ]"


def renewal(order: SetupRequest) -> list[str]:
    """What has the renewal run once a day, in lines to paste."""
    return cron("uacme", daily(order))


UACME = ClientSetup(
    "uacme",
    ("uacme",),
    nothing,
    paste,
    first,
    renewal,
    daily,
    is_sequential=True,
    name_behind="issue",
    is_there=is_there,
)
