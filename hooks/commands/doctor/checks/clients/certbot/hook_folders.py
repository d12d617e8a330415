"""certbot's folders of hooks for all certificates: what in them is passed over, or cannot be run.

certbot runs what may be executed there, and says nothing of the rest (``list_hooks`` of certbot 2.1).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ......clients.setup.schedule.command_line import script
from ......clients.setup.text_files import find
from ....finding import Examined, Finding, Severity
from ..hook_script import unusable
from .lineage import Lineage

FOLDERS = {
    "pre": "nothing of it is done before a renewal",
    "deploy": "what uses the certificate keeps the old one",
    "post": "nothing of it is done after a renewal",
}
# What somebody has put aside, or a package or an editor has left.
ASIDE = ("~", ".disabled", ".off", ".bak", ".old", ".orig", ".example", ".sample", ".dpkg-dist", ".dpkg-old",
         ".dpkg-new", ".rpmnew", ".rpmsave")  # fmt: skip


def check(examined: Examined, lineages: Sequence[Lineage]) -> Iterator[Finding]:
    """A script that is passed over is a warning where nothing else brings the certificate to its place."""
    brought = any(own.get("renew_hook") for own in lineages)
    for folder, lost in FOLDERS.items():
        paths = find(f"/etc/letsencrypt/renewal-hooks/{folder}/*", examined.root)
        scripts = [path for path in paths if script(path, examined.root) and not path.endswith(ASIDE)]
        run = [path for path in scripts if os.access(examined.path(path), os.X_OK)]
        matters = folder == "deploy" and not run and not brought
        for path in scripts:
            if path not in run:
                severity = Severity.WARNING if matters else Severity.NOTE
                message = f"it may not be executed, and certbot passes over it: {lost}"
                yield Finding("certbot-hook-not-executable", severity, path, message, (f"chmod +x {path}",))
            elif fault := unusable(examined, path):
                yield fault._replace(severity=Severity.WARNING)
