"""Where acme.sh keeps what it has on this machine. It calls no hook for its challenges."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from .schedule.crontab import entries
from .users import homes

ACCOUNT = "account.conf"  # where it saves credentials
SYSTEM = ("/root/.acme.sh", "/etc/acme.sh")

# What its installation writes into the crontab, each with the folder behind it.
_HOME = re.compile(r"""--(?:config-)?home[ =]+(?:"([^"]+)"|'([^']+)'|([^\s"']+))""")


def folders(environ: Mapping[str, str]) -> list[str]:
    """Its folders, of whoever runs this or has root run it, those that cron names, and root's, as far as they
    are there."""
    named = (environ.get("LE_CONFIG_HOME"), environ.get("LE_WORKING_DIR"))
    own = (f"{home}/.acme.sh" for home in homes(environ))
    candidates = dict.fromkeys(filter(None, (*named, *own, *_of_cron(), *SYSTEM)))
    return [folder for folder in candidates if os.path.isdir(folder)]


def _of_cron() -> Iterator[str]:
    for entry in entries("/"):
        if "acme.sh" in entry.line:
            yield from map("".join, _HOME.findall(entry.line))
