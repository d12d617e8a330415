"""Users by /etc/passwd and /etc/group, and what the modes of files let them do."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from .text_files import beneath, read_text

ELSEWHERE = re.compile(r"^passwd:.*\b(?:ldap|sss|winbind|nis|nisplus|hesiod)\b", re.MULTILINE)
ACL = "system.posix_acl_access"


class User(NamedTuple):
    """``groups``: the numbers of all that it is in. ``group``: the name of its first."""

    name: str
    uid: int
    groups: frozenset[int]
    group: str
    home: str


def find_user(name: str, root: str = "/", groups: Collection[str] = ()) -> User | None:
    """The user of that name or number, who is in ``groups`` as well; None where /etc/passwd has none."""
    found = next((row for row in _rows("/etc/passwd", root, 7) if name in (row[0], row[2])), None)
    if found is None or not (found[2].isdigit() and found[3].isdigit()):
        return None
    every = [row for row in _rows("/etc/group", root, 4) if row[2].isdigit()]
    further = {int(row[2]) for row in every if found[0] in row[3].split(",") or {row[0], row[2]} & {*groups}}
    first = next((row[0] for row in every if row[2] == found[3]), found[3])
    return User(found[0], int(found[2]), frozenset({int(found[3]), *further}), first, found[5])


def is_known(name: str, root: str = "/") -> bool:
    """Whether there may be such a user: where others than /etc/passwd know users, nobody can tell."""
    by_others = ELSEWHERE.search(read_text("/etc/nsswitch.conf", root) or "")
    return bool(by_others) or read_text("/etc/passwd", root) is None or find_user(name, root) is not None


def caller(environ: Mapping[str, str]) -> pwd.struct_passwd | None:
    """Who has root run this, by sudo or doas; None where nobody has."""
    name = environ.get("SUDO_USER") or environ.get("DOAS_USER")
    if name and os.geteuid() == 0:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def homes(environ: Mapping[str, str]) -> list[str]:
    """The home of whoever runs this, and of whoever has root run it."""
    user = caller(environ)
    return list(dict.fromkeys((os.path.expanduser("~"), *([user.pw_dir] if user else []))))


def barrier(path: str, user: User, wanted: int, root: str = "/") -> str:
    """The first of ``barriers``; empty if nothing is known to keep the user from it."""
    return next(barriers(path, user, wanted, root), "")


def barriers(path: str, user: User, wanted: int, root: str = "/") -> Iterator[str]:
    """What keeps the user from the file or the folder: folders above it, and itself.

    ``wanted``: of os.R_OK, os.W_OK, os.X_OK. One that is not there is asked for in the folder that it would
    be made in. Behind an ACL nothing is known.
    """
    for step in _way(path) if user.uid else ():
        try:
            status = os.stat(beneath(step, root))
            if ACL in os.listxattr(beneath(step, root)):
                return
        except FileNotFoundError:
            above = os.path.dirname(step)
            if wanted & os.W_OK and barrier(above, user, os.W_OK | os.X_OK, root):
                yield above
            return
        except (OSError, ValueError):
            return
        needed = wanted if step == path else os.X_OK
        shift = 6 if status.st_uid == user.uid else 3 if status.st_gid in user.groups else 0
        if needed & ~(status.st_mode >> shift) & 7:
            yield step


def _way(path: str) -> Iterator[str]:
    """Every folder from the first beneath / down to the path, which comes last."""
    parts = os.path.normpath(path).strip("/").split("/")
    return ("/" + "/".join(parts[: number + 1]) for number in range(len(parts)))


def _rows(path: str, root: str, fields: int) -> Iterator[list[str]]:
    for line in (read_text(path, root) or "").splitlines():
        row = line.split(":")
        if len(row) == fields:
            yield row
