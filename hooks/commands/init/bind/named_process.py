"""The user that named runs as: which files it can read, and in which folders it can write."""

from __future__ import annotations

import os
import pwd
import re
import stat
from contextlib import suppress
from typing import NamedTuple, Self

from .....regular_file import read_regular

DEFAULTS = ("/etc/default/named", "/etc/default/bind9", "/etc/sysconfig/named")
USERS = ("bind", "named")
PROFILES = ("etc/apparmor.d/usr.sbin.named", "etc/apparmor.d/local/usr.sbin.named")
APPARMOR = "sys/module/apparmor/parameters/enabled"
LARGEST_DEFAULTS = 1 << 16  # octets of such a file

_USER = re.compile(r"^\s*OPTIONS=.*-u\s*(\w+)", re.MULTILINE)
_RULE = re.compile(r"^\s*(?:owner\s+)?(/\S*)\s+([a-z]+),", re.MULTILINE)


class NamedProcess(NamedTuple):
    """The user and the groups that named runs as. ``uid`` 0: it is root, or no user of its own was found."""

    uid: int
    gid: int
    groups: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Self:
        """The process as the user of -u in one of ``DEFAULTS``, or else as the first of ``USERS`` that there
        is."""
        users = [found[1] for path in DEFAULTS if (found := _USER.search(_text(path)))]
        for name in (*users[:1], *USERS):
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                groups = frozenset(os.getgrouplist(name, entry.pw_gid))
                return cls(entry.pw_uid, entry.pw_gid, groups)
        return cls(0, 0, frozenset())

    def may(self, path: str, wanted: int) -> bool:
        """Whether the permissions of what is at the path let it; ``wanted``: os.R_OK, os.W_OK, os.X_OK."""
        try:
            status = os.stat(path)
        except OSError:
            return False
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid == self.uid:
            mode >>= 6
        elif status.st_gid in self.groups:
            mode >>= 3
        return self.uid == 0 or mode & wanted == wanted

    def may_make_files_in(self, folder: str) -> bool:
        """Whether it can put a journal there: by the folder's permissions, and by AppArmor's profile."""
        return self.may(folder, os.W_OK | os.X_OK) and not is_kept_out(folder)


def is_kept_out(folder: str, root: str = "/") -> bool:
    """Whether AppArmor's profile of named, where that is in force, has no rule to write there."""
    rules = [rule for path in PROFILES for rule in _RULE.findall(_text(os.path.join(root, path)))]
    if not rules or _text(os.path.join(root, APPARMOR)).strip() != "Y":
        return False
    trees = [path.removesuffix("**") for path, access in rules if "w" in access and path.endswith("/**")]
    return not any(f"{os.path.realpath(folder)}/".startswith(tree) for tree in trees)


def _text(path: str) -> str:
    try:
        return read_regular(path, LARGEST_DEFAULTS).decode(errors="replace")
    except (OSError, ValueError):
        return ""
