"""What certbot needs beside a renewal file: the links into its archive, and the account's files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from ......clients.setup.text_files import find, is_empty, is_gone
from ....finding import Examined, Finding, Severity
from .lineage import Lineage

LINKS = ("cert", "privkey", "chain", "fullchain")
ACCOUNTS = "/etc/letsencrypt/accounts"
OF_ACCOUNT = ("private_key.json", "regr.json", "meta.json")
# Whose accounts certbot takes for a directory as well (LE_REUSE_SERVERS).
FORMER = {
    "acme-v02.api.letsencrypt.org/directory": "acme-v01.api.letsencrypt.org/directory",
    "acme-staging-v02.api.letsencrypt.org/directory": "acme-staging.api.letsencrypt.org/directory",
}


def broken(own: Lineage, examined: Examined) -> Finding | None:
    """What certbot passes over as no renewal file: one without its paths, or whose links are files, or lead
    nowhere (``RenewableCert`` of certbot 2.1)."""
    path, settings = own.path, own.own
    if not settings:
        message = "nothing stands in it, as after a full disk: certbot passes it over, and renews nothing"
        again = own._replace(names=own.names or (examined.domain,)).again()
        steps = (f"restore it, or: rm {path}; then order again:", again)
        return Finding("certbot-renewal-broken", Severity.ERROR, path, message, steps)
    named = [key for key in LINKS if settings.get(key)]
    if named and (lacking := [key for key in LINKS if key not in named]):
        folder = os.path.dirname(settings[named[0]])
        message = f"it does not say {' and '.join(lacking)}: certbot passes it over, and renews nothing"
        lines = "\n".join(f"{key} = {folder}/{key}.pem" for key in lacking)
        step = f"write in {path}, above [renewalparams]:\n{lines}"
        return Finding("certbot-renewal-broken", Severity.ERROR, path, message, (step,))
    archive = settings.get("archive_dir") or f"/etc/letsencrypt/archive/{own.name}"
    files = {key: settings.get(key, "") for key in LINKS if _is_file(examined, settings.get(key, ""))}
    if not files and (lost := [key for key in named if is_gone(settings[key], examined.root)]):
        return _lost(own, examined, [settings[key] for key in lost], archive)
    if not files or not os.path.isdir(examined.path(archive)):
        return None
    are = "is a file" if len(files) == 1 else "are files"
    links = "a link" if len(files) == 1 else "links"
    message = (
        f"{', '.join(files.values())} {are}, and certbot, which wants {links} into its archive there, renews "
        "nothing"
    )
    steps = (
        _linked(examined, settings.get("cert") or next(iter(files.values())), archive),
        "certbot certificates",
    )
    return Finding("certbot-renewal-broken", Severity.ERROR, path, message, steps)


def _is_file(examined: Examined, path: str) -> bool:
    file = examined.path(path)
    return path.startswith("/") and os.path.isfile(file) and not os.path.islink(file)


def _lost(own: Lineage, examined: Examined, paths: Sequence[str], archive: str) -> Finding:
    """Links that are gone, as of a folder that somebody removed, or whose files are."""
    are = "is" if len(paths) == 1 else "are"
    message = (
        f"{', '.join(paths)} {are} gone, or what is linked there: certbot passes it over, renewing nothing"
    )
    steps: tuple[str, ...] = (
        f"certbot delete --cert-name {own.name}",
        own._replace(names=own.names or (examined.domain,)).again(),
    )
    if set.intersection(*_numbers(examined, archive)):
        folder = os.path.dirname(paths[0])
        make = "" if os.path.isdir(examined.path(folder)) else f"mkdir -p {folder}; "
        steps = (make + _linked(examined, paths[0], archive), "certbot certificates")
    return Finding("certbot-renewal-broken", Severity.ERROR, own.path, message, steps)


def _numbers(examined: Examined, archive: str) -> list[set[int]]:
    """Of each of the four files, the numbers under which the archive has it."""
    return [
        {
            int(found[1])
            for path in find(f"{archive}/{key}*.pem", examined.root)
            if (found := re.fullmatch(rf"{key}(\d+)\.pem", os.path.basename(path)))
        }
        for key in LINKS
    ]


def _linked(examined: Examined, link: str, archive: str) -> str:
    """The command that makes all four links anew, to the newest files that the archive has of each; where it
    has none, the files go there first."""
    numbers = _numbers(examined, archive)
    of_all = set.intersection(*numbers)
    number = max(of_all, default=1 + max((max(each, default=0) for each in numbers), default=0))
    move = "" if of_all else f"mv $f.pem {archive}/${{f}}{number}.pem; "
    return (
        f"cd {os.path.dirname(link)} && for f in {' '.join(LINKS)}; do "
        f"{move}ln -sf {archive}/${{f}}{number}.pem $f.pem; done"
    )


def account(own: Lineage, examined: Examined) -> Iterator[Finding]:
    """The account that the renewal file names: certbot makes no other in its place."""
    name, server = own.own.get("account", ""), own.own.get("server", "")
    if not re.fullmatch(r"\w+", name) or name == "None" or {"account", "server"} & own.defaults.keys():
        return
    directory = server.partition("://")[2].strip("/")
    folders = [f"{ACCOUNTS}/{each}" for each in (directory, FORMER.get(directory, "")) if each]
    if not folders:
        return
    missing = [_missing(examined, f"{folder}/{name}") for folder in folders]
    if not all(missing):
        return
    message = f"its account is {name}, and {missing[0]} is not there, or is empty: certbot ends the renewal"
    yield Finding(
        "certbot-account-missing", Severity.ERROR, own.path, message, _steps(own, examined, folders, name)
    )


def _missing(examined: Examined, folder: str) -> str:
    """The folder of the account, or what is gone in it; empty where all is there, or nobody may see it."""
    paths = (folder, *(f"{folder}/{file}" for file in OF_ACCOUNT))
    return next((path for path in paths if _is_lost(path, examined.root)), "")


def _is_lost(path: str, root: str) -> bool:
    return is_gone(path, root) or is_empty(path, root)


def _steps(own: Lineage, examined: Examined, folders: Sequence[str], name: str) -> tuple[str, ...]:
    """With another account at the same CA, that one."""
    others = (path for folder in folders for path in find(f"{folder}/*", examined.root))
    if other := next((path for path in others if not _missing(examined, path)), ""):
        return (f"write in {own.path}: account = {os.path.basename(other)}",)
    return (
        f"restore {folders[0]}/{name}, or make another account:",
        f"certbot register --server {own.own['server']}",
        f"take account = {name} out of {own.path}",
    )
