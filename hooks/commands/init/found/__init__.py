"""The credentials that this machine has already, for dns01 or for other clients, each with its file.

Everything is read as text, and nothing that another user could have written is believed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from glob import escape, glob
from typing import NamedTuple

from .....errors import ConfigError
from .....output import warning
from .....trusted_file import read_trusted
from ....clients.setup.users import caller, homes


class Found(NamedTuple):
    """One account. ``values``: by the options' keys. ``source``: the file, or the environment.
    ``is_ours``: it was written for dns01. ``origins``: where values come from that are not in there.
    ``is_new``: the file is yet to be made."""

    provider: str
    values: Mapping[str, str]
    source: str
    is_ours: bool = False
    origins: Mapping[str, str] = {}
    is_new: bool = False

    def origin(self, key: str) -> str:
        """Where the option's value comes from: the file or the variable."""
        return self.origins.get(key, self.source)


def files(patterns: Sequence[str]) -> list[str]:
    """The files that are there; ``~`` is the home of whoever runs this, and of whoever has root run it."""
    own = [escape(home) for home in homes(os.environ)]
    every = {f"{home}{each[1:]}" if each[:2] == "~/" else each for each in patterns for home in own}
    paths = {path for pattern in every for path in glob(pattern)}
    return sorted(filter(os.path.isfile, paths))


def text_of(path: str) -> str:
    """The text of the file; empty, with a warning, if another user could have written it than the one who
    has root run this."""
    user = caller(os.environ)
    try:
        content, _ = read_trusted(path, also=(user.pw_uid,) if user else ())
        return content.decode()
    except ConfigError as error:
        warning(f"not looked at: {error}")
    except (OSError, UnicodeDecodeError):
        pass
    return ""
