"""certbot: the command with its three hooks, or its cli.ini."""

from __future__ import annotations

import os
import shlex

from ....caa.issuers import PRESETS
from ....clients.setup.schedule.client_schedule import schedule_of
from ....clients.setup.schedule.cron_faults import RENEW
from ..written.files import Draft, read
from ..written.lines import assign
from . import LETSENCRYPT, ClientSetup, SetupRequest, cron, folder, hook_command

ASSIGNMENT = r"\s*{name}\s*="
HOOKS = {"manual-auth-hook": "auth", "manual-cleanup-hook": "cleanup", "deploy-hook": "deploy"}


def drafts(order: SetupRequest) -> list[Draft]:
    """Nothing, unless cli.ini is wanted: it holds for every certificate of this certbot."""
    if not order.cli_ini:
        return []
    path = folder("/etc/letsencrypt/cli.ini", "~/.config/letsencrypt/cli.ini")
    settings = {
        "authenticator": "manual",
        "preferred-challenges": "dns",
        **{option: hook_command(order, "certbot", word) for option, word in HOOKS.items()},
        "server": order.directory,
        **({"email": order.email} if order.email else {}),
    }
    text = read(path) or ""
    for name, value in settings.items():
        text = assign(text, name, f"{name} = {value}", ASSIGNMENT)
    return [Draft(path, text)]


def command(order: SetupRequest) -> list[list[str]]:
    """The words of the command, in groups that belong on one line."""
    groups = [["certbot", "certonly"]]
    if not order.cli_ini:
        groups[0] += ["--manual", "--preferred-challenges", "dns"]
        groups += [[f"--{option}", hook_command(order, "certbot", word)] for option, word in HOOKS.items()]
        groups += _server(order)
        if order.email:
            groups.append(["--email", order.email])
    if not order.email:
        groups.append(["--register-unsafely-without-email"])
    if is_there(order):
        groups.append(["--cert-name", _name(order), "--force-renewal"])
    return [*groups, [word for name in order.names for word in ("-d", name)]]


def _name(order: SetupRequest) -> str:
    """What certbot calls the certificate."""
    return order.names[0].removeprefix("*.")


def is_there(order: SetupRequest) -> bool:
    """Whether certbot renews a certificate of this name, which it would else keep until it is due."""
    own = folder("/etc/letsencrypt", "~/.config/letsencrypt")
    return os.path.exists(f"{own}/renewal/{_name(order)}.conf")


def _server(order: SetupRequest) -> list[list[str]]:
    if order.directory == PRESETS["letsencrypt-test"]:
        return [["--test-cert"]]
    return [] if order.directory == LETSENCRYPT else [["--server", order.directory]]


def paste(order: SetupRequest) -> list[str]:
    """The command that orders the certificate and asks what it has to, in lines to paste."""
    return " \\\n    ".join(map(shlex.join, command(order))).splitlines()


def first(order: SetupRequest) -> list[list[str]]:
    """The command that orders the certificate, without questions."""
    words = [word for group in command(order) for word in group]
    return [[*words, "--non-interactive", "--agree-tos"]]


def renewal(order: SetupRequest) -> list[str]:
    """What has its certificates renewed, in lines to paste, and the command that tries it."""
    # A dry run goes to Let's Encrypt, whatever the CA.
    is_tried = order.directory in (LETSENCRYPT, PRESETS["letsencrypt-test"])
    return [*_scheduling(), "certbot renew" + " --dry-run" * is_tried]


def _scheduling() -> list[str]:
    """What has it run by the clock, in lines to paste; nothing where its package's timer or entry for cron
    does."""
    present = schedule_of("certbot")
    if present.commands:
        return []
    if present.idle:
        return [f"systemctl enable --now {present.idle[0]}"]
    return cron("certbot", RENEW["certbot"])


CERTBOT = ClientSetup(
    "certbot", ("certbot",), drafts, paste, first, renewal, is_silent=True, is_there=is_there
)
