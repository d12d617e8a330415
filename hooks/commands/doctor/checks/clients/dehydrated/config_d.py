"""dehydrated's CONFIG_D: the files there that are more of its configuration, and those that are not read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ......clients.setup.dehydrated_config import OVERRIDABLE, Dehydrated, settings_in
from ......clients.setup.text_files import read_text
from ....finding import Examined, Finding, Severity
from ..hook_script import uses_arguments

READ = ".sh"  # how the names of the files end that it reads
# What editors, packages and people leave beside a file, and mean not to be read.
LEFT = (
    "~", ".bak", ".old", ".orig", ".save", ".disabled", ".off", ".sample", ".example", ".dist", ".swp",
    ".tmp", ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".rpmnew", ".rpmsave", ".ucf-old", ".ucf-dist", ".md",
)  # fmt: skip
KNOWN = (
    *OVERRIDABLE, "CA", "BASEDIR", "CERTDIR", "ACCOUNTDIR", "DOMAINS_TXT", "DOMAINS_D", "CONTACT_EMAIL",
    "EAB_KID", "EAB_HMAC_KEY", "LOCKFILE", "IP_VERSION", "AUTO_CLEANUP", "CURL_OPTS",
)  # fmt: skip
FOR_HOOKS = ("HOOK", "CHALLENGETYPE")


class PassedOver(NamedTuple):
    """A file that dehydrated does not read; ``settings``: those in it that are not so without it."""

    path: str
    settings: Mapping[str, str]
    steps: tuple[str, ...]


def passed_over(examined: Examined, main: Dehydrated) -> Iterator[PassedOver]:
    """The files of CONFIG_D whose names do not end with .sh; without CONFIG_D, all of conf.d."""
    base = os.path.dirname(main.files[0])
    folder = main.settings.get("CONFIG_D", "") or f"{base}/conf.d"
    if not folder.startswith("/") or "$" in folder:
        return
    try:
        names = sorted(os.listdir(examined.path(folder)))
    except OSError:
        return
    is_read = bool(main.settings.get("CONFIG_D"))
    for name in names:
        path = f"{folder}/{name}"
        if (is_read and name.endswith(READ)) or name.startswith((".", "README")) or name.endswith(LEFT):
            continue
        settings = settings_in(path, examined.root)
        meant = {
            key: value
            for key, value in settings.items()
            if main.settings.get(key) != value and (key in KNOWN or key.startswith("DNS01_"))
        }
        rename = "" if name.endswith(READ) else f"mv {path} {folder}/{name.partition('.')[0]}{READ}"
        switch = "" if is_read else f"write in {main.files[0]}: CONFIG_D={folder}"
        if meant:
            yield PassedOver(path, meant, tuple(filter(None, (rename, switch))))


def unread(main: Dehydrated, files: Iterable[PassedOver]) -> Iterator[Finding]:
    """What was meant, and is not read. It is an error where the hook, or its account, depends on it."""
    for each in files:
        needed = any(key in FOR_HOOKS and not main.settings.get(key) for key in each.settings) or any(
            key.startswith("DNS01_") for key in each.settings
        )
        why = f"the files *{READ} of CONFIG_D alone" if main.settings.get("CONFIG_D") else "no CONFIG_D"
        message = f"dehydrated reads {why}, and not what this one sets: {', '.join(each.settings)}"
        severity = Severity.ERROR if needed else Severity.WARNING
        yield Finding("config-d-unread", severity, each.path, message, each.steps)


def check(examined: Examined, main: Dehydrated) -> Iterator[Finding]:
    """Each file is sourced: it has to be there, and to be a configuration."""
    folder = main.settings.get("CONFIG_D", "")
    if not folder.startswith("/") or "$" in folder:
        return
    try:
        names = sorted(os.listdir(examined.path(folder)))
    except PermissionError:
        return
    except OSError:
        path = main.origins.get("CONFIG_D", main.files[0])
        message = f"CONFIG_D is {folder}, and no such folder is there: dehydrated ends"
        yield Finding("config-d-unreadable", Severity.ERROR, path, message, (f"mkdir -p {folder}",))
        return
    for path in (f"{folder}/{name}" for name in names if name.endswith(".sh")):
        if not os.path.isfile(examined.path(path)):
            message = "it is no file, or leads nowhere, and dehydrated, which reads it as configuration, ends"
            yield Finding("config-d-unreadable", Severity.ERROR, path, message, (f"rm {path}",))
        elif uses_arguments(read_text(path, examined.root) or ""):
            message = "it is a script for arguments, as hooks are, and dehydrated reads it as configuration"
            steps = (f"mv {path} {os.path.dirname(folder)}/", "and see that HOOK leads to dns01")
            yield Finding("hook-in-config-d", Severity.ERROR, path, message, steps)
