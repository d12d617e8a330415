"""What each ACME client has to be told, in its own files or for pasting; one object for each."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ....caa.issuers import PRESETS
from ....clients.setup.schedule.client_schedule import has_cron, schedule_of
from ....clients.setup.schedule.cron_lines import in_crontab
from ..written.files import Draft

LETSENCRYPT = PRESETS["letsencrypt"]


class SetupRequest(NamedTuple):
    """What a certificate is wanted for, and how. ``directory``: the CA's, by its URL; ``word``: the CA as
    it was given. ``hook``: the path of dns01. ``config``: its configuration, where that is not in the usual
    place; else empty. ``cli_ini``: whether certbot's own configuration is to be written."""

    names: tuple[str, ...]
    directory: str
    word: str
    email: str
    hook: str
    config: str
    cli_ini: bool = False

    @property
    def is_staging(self) -> bool:
        """Whether no browser trusts what the CA issues."""
        return self.word.endswith("-test")

    @property
    def environment(self) -> dict[str, str]:
        """The variables without which the hook does not find its configuration."""
        return {"DNS01_CONFIG": self.config} if self.config else {}


class ClientSetup(NamedTuple):
    """What init has to know of an ACME client. ``programs``: whose being there says that the client is used.
    ``wants_email``: it does not do without. ``drafts``: its files, as they are to be. ``paste``: what is to
    be written or run by hand, in lines. ``first``: the commands that bring the certificate, even if one of
    another CA is there that is not due. ``renewal``: what has it renewed, in lines to paste. ``daily``: the
    command that renews what is due, for a shell; empty where something of the client's own runs that.
    ``is_sequential``: it has one name validated after the other, also two values at one owner name.
    ``address``: the mail address that it has been set up with, empty if with none; None where that is not
    known. ``name_behind``: the word of its daily command behind which the certificate's first name stands,
    where each certificate has a command of its own. ``is_silent``: what the hook says is shown when it has
    ended. ``is_there``: whether it has a certificate of the first name already, whichever CA's."""

    name: str
    programs: tuple[str, ...]
    drafts: Callable[[SetupRequest], Sequence[Draft]]
    paste: Callable[[SetupRequest], Sequence[str]]
    first: Callable[[SetupRequest], Sequence[Sequence[str]]]
    renewal: Callable[[SetupRequest], Sequence[str]]
    daily: Callable[[SetupRequest], str] = lambda order: ""
    wants_email: bool = False
    is_sequential: bool = False
    is_silent: bool = False
    name_behind: str = ""
    environment: Callable[[SetupRequest], Mapping[str, str]] = lambda order: order.environment
    address: Callable[[], str | None] = lambda: None
    is_there: Callable[[SetupRequest], bool] = lambda order: False


def is_installed(client: ClientSetup) -> bool:
    """Whether its program is on this machine."""
    return any(map(shutil.which, client.programs))


def nothing(order: SetupRequest) -> tuple[()]:
    """Gives nothing: for a client that has no file of its own, or no command."""
    return ()


def assignments(variables: Mapping[str, str]) -> str:
    """The variables as a shell has them before a command."""
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())


def hook_command(order: SetupRequest, *words: str) -> str:
    """The hook with its words, for a shell to run."""
    environment = ["env", assignments(order.environment)] if order.environment else []
    return " ".join([*environment, shlex.quote(order.hook), *words])


def folder(system: str, own: str) -> str:
    """The folder of a client's files: ``system`` for root, ``own`` for any other user who runs this."""
    return system if os.geteuid() == 0 else os.path.expanduser(own)


def install_cron() -> list[str]:
    """What to paste where there is no cron."""
    return [] if has_cron() else ["apt-get install cron    # nothing here runs it by the clock"]


def cron(client: str, command: str) -> list[str]:
    """What to paste so that cron runs the command once a day."""
    if schedule_of(client).without_cron:
        return install_cron()
    if os.geteuid() == 0:
        return [
            *install_cron(),
            f"cat > /etc/cron.d/{client} <<'END'",
            f"17 4 * * * root {in_crontab(client, command)}",
            "END",
        ]
    return ["crontab -e    # and in there:", f"17 4 * * * {in_crontab(client, command)}"]
