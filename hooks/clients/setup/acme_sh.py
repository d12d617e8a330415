"""Where acme.sh keeps what it has on this machine. It calls no hook for its challenges."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .users import homes

ACCOUNT = "account.conf"  # where it saves credentials
SYSTEM = ("/root/.acme.sh", "/etc/acme.sh")


def folders(environ: Mapping[str, str]) -> list[str]:
    """acme.sh's folders, of whoever runs this or has root run it, and of root, as far as they are there."""
    named = (environ.get("LE_CONFIG_HOME"), environ.get("LE_WORKING_DIR"))
    own = (f"{home}/.acme.sh" for home in homes(environ))
    candidates = dict.fromkeys(filter(None, (*named, *own, *SYSTEM)))
    return [folder for folder in candidates if os.path.isdir(folder)]
