"""What runs each client, and what that client gives to its hook there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from ......clients.setup.certificate_paths import UACME
from ......clients.setup.dehydrated_config import Dehydrated
from ......clients.setup.schedule.command_line import Line
from ......clients.setup.shell.variables import variables_after
from ......clients.setup.text_files import read_text
from ....finding import Examined
from ..certbot.check import PLUGIN, find_program
from ..certbot.lineage import Lineage
from ..hook_script import OURS, leads_to_dns01
from ..lego_uacme import check as lego_uacme
from .runs import Run, runs

OF_PLUGIN = "dns01_config"  # the option of hooks/certbot_plugin.py that names our configuration
OF_CERTBOT = ("/etc/letsencrypt", "/var/lib/letsencrypt", "/var/log/letsencrypt")


def of_dehydrated(
    examined: Examined, own: Dehydrated, settings: Mapping[str, str], lines: Sequence[Line]
) -> Iterator[Run]:
    """With DEHYDRATED_USER it goes on by sudo, which keeps no variables without DEHYDRATED_SUDO_ENV."""
    hook, user = settings.get("HOOK", ""), settings.get("DEHYDRATED_USER", "")
    if not leads_to_dns01(examined, hook):
        return
    basedir = settings["BASEDIR"]
    lock = settings.get("LOCKFILE") or f"{basedir}/lock"
    certificates, accounts = settings.get("CERTDIR"), settings.get("ACCOUNTDIR")
    folders = (certificates or f"{basedir}/certs", accounts or f"{basedir}/accounts", os.path.dirname(lock))
    texts = [(read_text(path, examined.root) or "", path) for path in own.files]  # each is a script
    is_known = all(variables_after(*text, settings, examined.root).complete for text in texts)
    path = own.origins.get("DEHYDRATED_USER", "")
    lines = lines or ([Line(path, "", {}, source=path)] if user else [])
    for run in runs(examined.root, "dehydrated", lines, hook, settings, tuple(filter(_is_plain, folders))):
        run = run._replace(complete=run.complete and is_known, read=own.files)
        if user and "$" not in user and user != run.user:
            kept = run.environ if settings.get("DEHYDRATED_SUDO_ENV") == "yes" else settings
            run = run._replace(environ=kept, user=user, chosen=path)
        yield run


def of_certbot(examined: Examined, own: Lineage, lines: Sequence[Line]) -> Iterator[Run]:
    """For a certificate whose hook is dns01, or leads there, or whose authenticator is ours."""
    moved = any("-dir" in line.command for line in lines)
    folders = () if moved else OF_CERTBOT
    if own.get("authenticator") == PLUGIN:
        file = own.get(OF_PLUGIN)
        given = {"DNS01_CONFIG": file} if file else {}
        for run in runs(examined.root, "certbot", lines, "", given, folders):
            yield run._replace(read=(own.path,))
    if own.get("authenticator") != "manual":
        return
    words = own.get("manual_auth_hook").split()
    found = {word: find_program(examined, word) for word in words if os.path.basename(word) in OURS}
    if found or any(leads_to_dns01(examined, word) for word in words):
        command = " ".join(found.get(word) or word for word in words)
        yield from runs(examined.root, "certbot", lines, command, {}, folders)


def of_command(
    examined: Examined, client: str, commands: Sequence[lego_uacme.Command], lines: Sequence[Line]
) -> Iterator[Run]:
    """lego or uacme, where it is run for the domain: by ``commands``, which stand in some of the lines."""
    for command in commands:
        line = command.line
        if client == "lego":
            hook = line.environ.get("EXEC_PATH", "")
            folders = command.values("--path") or [line.environ.get("LEGO_PATH", "")]
        else:
            hook = "".join(command.values("-h", "--hook")[-1:])
            folders = command.values("-c", "--confdir") or [UACME]
        if leads_to_dns01(examined, hook):
            same = [each for each in lines if (each.source, each.user) == (line.source, line.user)]
            yield from runs(examined.root, client, same, hook, {}, tuple(filter(_is_plain, folders[-1:])))


def of_traefik(examined: Examined, unit: Line | None) -> Iterator[Run]:
    """Its service, where it calls dns01."""
    text = "\n".join(filter(None, (read_text(path, examined.root) for path in lego_uacme.TRAEFIK)))
    hook = unit.environ.get("EXEC_PATH", "") if unit else ""
    if unit and lego_uacme.EXEC.search(text) and leads_to_dns01(examined, hook):
        folders = tuple(map(os.path.dirname, lego_uacme.STORAGE.findall(text)))
        yield from runs(examined.root, "traefik", [unit], hook, {}, folders)


def _is_plain(path: str) -> bool:
    """Whether it is known from here."""
    return path.startswith("/") and "$" not in path and "`" not in path
