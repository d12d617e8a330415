"""lego: its variables and its command; and Traefik's, which has lego in it."""

from __future__ import annotations

import os
import shlex
from glob import escape as glob_escape
from glob import glob

from ....clients.setup import certificate_paths
from . import LETSENCRYPT, ClientSetup, SetupRequest, assignments, cron, folder, hook_command, nothing


def _variables(order: SetupRequest) -> dict[str, str]:
    """lego pauses for a minute between two names where it is not told otherwise."""
    return {"EXEC_PATH": order.hook, "EXEC_SEQUENCE_INTERVAL": "1", **order.environment}


def _command(order: SetupRequest) -> list[str]:
    server = ["--server", order.directory] if order.directory != LETSENCRYPT else []
    names = [word for name in order.names for word in ("-d", name)]
    account = ["--email", order.email, "--path", _folder()]
    return ["lego", "--accept-tos", *account, *server, "--dns", "exec", *names]


def _folder() -> str:
    return folder(certificate_paths.LEGO, "~/.lego")


def first(order: SetupRequest) -> list[list[str]]:
    """The command that orders the certificate."""
    return [[*_command(order), "run", "--run-hook", hook_command(order, "lego", "deploy")]]


def paste(order: SetupRequest) -> list[str]:
    """The hook's variables and the command that orders the certificate, in lines to paste."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in _variables(order).items()]
    return [*exports, *(shlex.join(command) for command in first(order))]


def daily(order: SetupRequest) -> str:
    """The command that renews what is due, with its variables, for a shell."""
    renew = [*_command(order), "renew", "--renew-hook", hook_command(order, "lego", "deploy")]
    return f"{assignments(_variables(order))} {shlex.join(renew)}"


def renewal(order: SetupRequest) -> list[str]:
    """What has the renewal run once a day, in lines to paste."""
    return cron("lego", daily(order))


def address() -> str | None:
    """The mail address of lego's accounts, if they have but one: the folder of each is called after it."""
    found = {os.path.basename(path) for path in glob(f"{glob_escape(_folder())}/accounts/*/*@*")}
    return found.pop() if len(found) == 1 else None


def is_there(order: SetupRequest) -> bool:
    """Whether it has a certificate of the first name, whose * is a _ in its files."""
    return os.path.exists(f"{_folder()}/certificates/{order.names[0].replace('*', '_')}.crt")


def _traefik(order: SetupRequest) -> list[str]:
    exports = [f"{name}={value}" for name, value in _variables(order).items()]
    return [
        "# in the environment of Traefik (EnvironmentFile= of its unit, environment: of its container)",
        *exports,
        "# in its static configuration",
        "certificatesResolvers:",
        "  dns01:",
        "    acme:",
        f"      email: {order.email}",
        f"      caServer: {order.directory}",
        "      storage: acme.json",
        "      dnsChallenge:",
        "        provider: exec",
    ]


def _traefik_renewal(order: SetupRequest) -> list[str]:
    return ["systemctl restart traefik    # it renews by itself"]


LEGO = ClientSetup(
    "lego",
    ("lego",),
    nothing,
    paste,
    first,
    renewal,
    daily,
    wants_email=True,
    is_sequential=True,
    is_silent=True,
    name_behind="-d",
    environment=_variables,
    address=address,
    is_there=is_there,
)
TRAEFIK = ClientSetup(
    "traefik",
    ("traefik",),
    nothing,
    _traefik,
    nothing,
    _traefik_renewal,
    wants_email=True,
    is_sequential=True,
)
