"""All readers together: what this machine has, and what one file has."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .....errors import UsageError
from .....providers import load
from .....secret import hide, hide_setting
from . import Found, bind, certbot, credential_files, knot, text_of, variables


def accounts(environ: Mapping[str, str]) -> list[Found]:
    """Every account that is found, the same one only once; their secrets are hidden from then on."""
    readers = (
        variables.accounts(environ),
        bind.accounts(),
        knot.accounts(),
        certbot.accounts(),
        credential_files.accounts(),
    )
    distinct: dict[object, Found] = {}
    for found in (each for reader in readers for each in reader):
        distinct.setdefault((found.provider, *sorted(found.values.items())), found)
    return hidden(list(distinct.values()))


def accounts_of(path: str) -> list[Found]:
    """The accounts in the file, of whatever kind it is. Raises UsageError if there is none in it."""
    if not os.path.exists(path):
        raise UsageError(f"init: {path} is not there", "name the file that has the account")
    text = text_of(path)
    readers = (
        bind.accounts_of,
        knot.accounts_of,
        certbot.accounts_of,
        credential_files.accounts_of,
        variables.accounts_of,
    )
    found = hidden([each for reader in readers for each in reader(text, path)])
    if not found:
        raise UsageError(
            f"init: nothing in {path} is an account that can be used",
            "keys of BIND and Knot have one, and the files of certbot's plugins, acme.sh, lego, lexicon, "
            "pyrax and acme-dns",
        )
    return found


def hidden(every: list[Found]) -> list[Found]:
    """Give the accounts back, after hiding their secrets in all that is shown from now on."""
    for found in every:
        for option in load(found.provider).options:
            if option.secret and not option.table and option.key in found.values:
                hide(found.values[option.key])
        for key, value in found.values.items():
            if "." in key:  # of a table
                hide_setting(key, value)
    return every
