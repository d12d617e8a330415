"""certbot's renewal files, each with what goes before it, and the steps that change what is set there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from .......errors import DeployError
from .......own_program import own_path
from ......clients.setup.text_files import find, read_text
from ......deploy.certificate.leaf import names_in
from ....finding import Examined
from ..hook_script import OURS
from . import defaults
from .defaults import Default

RENEWAL = "/etc/letsencrypt/renewal"
HOOKS = {"manual_auth_hook": "auth", "manual_cleanup_hook": "cleanup", "renew_hook": "deploy"}
OPTIONS = {"auth": "--manual-auth-hook", "cleanup": "--manual-cleanup-hook", "deploy": "--deploy-hook"}

# As certbot's configobj writes them: the value in quotes where it has a comma or a hash in it.
_SETTING = re.compile(
    r"""^[^\S\n]*(\w+)[^\S\n]*=[^\S\n]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\n#]*?))[^\S\n]*(?:\#.*)?$""",
    re.MULTILINE,
)


def lineages(examined: Examined) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The renewal files of certificates for the domain: (path, settings). One of that name in which nothing
    stands any more is for it as well."""
    for path in find(f"{RENEWAL}/*.conf", examined.root):
        settings = settings_in(read_text(path, examined.root) or "")
        if examined.domain in _names(examined, path, settings):
            yield path, settings


def settings_in(text: str) -> dict[str, str]:
    """The values of a renewal file, without their quotes."""
    return {match[1]: match[2] or match[3] or match[4] or "" for match in _SETTING.finditer(text)}


class Lineage(NamedTuple):
    """One renewal file. ``own``: what it says; ``defaults``: what goes before that; ``names``: what the
    certificate is for, none where it cannot be read (as by anybody but root); ``program``: ours, by its whole
    path."""

    path: str
    own: Mapping[str, str]
    defaults: Mapping[str, Default]
    names: Sequence[str]
    program: str

    @property
    def name(self) -> str:
        """What certbot calls the certificate."""
        return os.path.basename(self.path).removesuffix(".conf")

    def get(self, key: str) -> str:
        """The value that counts."""
        return self.defaults[key].value if key in self.defaults else self.own.get(key, "")

    def file(self, key: str) -> str:
        """The file that the value stands in."""
        return self.defaults[key].path if key in self.defaults else self.path

    def said(self, key: str) -> str:
        """The setting, for a message."""
        if key not in self.defaults:
            return f"{key} = {self.own.get(key, '')}"
        spelt = self.defaults[key].spelt
        return f"{spelt}, which goes before what {self.path} says," if self.own else spelt

    def write(self, key: str, value: str) -> str:
        """The step that sets it anew, where it is set."""
        option = OPTIONS.get(HOOKS.get(key, ""), "--preferred-challenges")
        if key not in self.defaults:
            return f"write in {self.path}: {key} = {value}"
        if self.defaults[key].spelt.startswith("-"):
            return (
                f"write in {self.file(key)}, in the place of {self.defaults[key].spelt}: "
                f"{option} {shlex.quote(value)}"
            )
        return f"write in {self.file(key)}: {option.lstrip('-')} = {value}"

    def without(self, key: str) -> str:
        """The step that takes a default away."""
        return f"take {self.defaults[key].spelt} out of {self.file(key)}"

    def hook(self, phase: str) -> str:
        """The command of ours for a phase."""
        return shlex.join([self.program, "certbot", phase])

    def again(self) -> str:
        """The command that orders it once more with all that is wanted, for any version of certbot (what
        ``reconfigure`` does came with 2.3); without the names, they stay as they are."""
        names = "".join(f" -d {shlex.quote(name)}" for name in self.names)
        hooks = " ".join(f"{option} {shlex.quote(self.hook(phase))}" for phase, option in OPTIONS.items())
        return (
            f"certbot {'certonly' if names else 'renew'} --cert-name {self.name} --force-renewal --manual "
            f"--preferred-challenges dns {hooks}{names}"
        )


def _certificate(examined: Examined, path: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """What the certificate is for, by its own word; nothing where it cannot be read."""
    lineage = os.path.basename(path).removesuffix(".conf")
    for file in (settings.get("cert", ""), f"/etc/letsencrypt/live/{lineage}/cert.pem"):
        with suppress(DeployError):
            return names_in(examined.path(file))
    return ()


def _names(examined: Examined, path: str, settings: Mapping[str, str]) -> set[str]:
    """The same; else by the name that certbot gave it."""
    lineage = re.sub(r"-\d{4}$", "", os.path.basename(path).removesuffix(".conf"))
    return set(_certificate(examined, path, settings)) or {lineage, f"*.{lineage}"}


def lineage(
    examined: Examined, path: str, settings: Mapping[str, str], commands: Sequence[tuple[str, str]]
) -> Lineage:
    """``commands``: what runs certbot by the clock, each line with its file."""
    name = os.path.basename(path).removesuffix(".conf")
    of_all = defaults.read(examined, commands, name)
    found = Lineage(path, settings, of_all, _certificate(examined, path, settings), own_path())
    words = (word for key in HOOKS for word in re.split(r"[\s\"']+", found.get(key)))
    ours = (word for word in words if word.startswith("/") and os.path.basename(word) in OURS)
    present = (word for word in ours if os.path.isfile(examined.path(word)))
    return found._replace(program=next(present, found.program))
