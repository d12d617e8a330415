"""Where the state is kept, and that its folders are ours.

Only what ``os`` has loaded itself is imported: the way of a phase that has nothing to do leads through here.
"""

from __future__ import annotations

import os
import stat

EPERM, ENOTDIR = 1, 20  # of errno, whose import a phase without work need not pay

TYPE_CHECKING = False  # as in typing, whose import would double the start-up
if TYPE_CHECKING:
    from collections.abc import Mapping


def state_dir(environ: Mapping[str, str]) -> str:
    """The path of the state folder, whether it is there or not.

    $DNS01_STATE_DIR, else the first of systemd's $STATE_DIRECTORY, else /var/lib/dns01 for root,
    else dns01 in $XDG_STATE_HOME (which the specification wants ignored when it is relative).
    """
    if chosen := environ.get("DNS01_STATE_DIR"):
        return chosen
    if given := environ.get("STATE_DIRECTORY"):
        return given.split(":")[0]
    if os.geteuid() == 0:
        return "/var/lib/dns01"
    home = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local/state")
    return os.path.join(home, "dns01")


def private_folder(path: str) -> str:
    """Make the folder, and what it lies in, with mode 0700 whatever the umask; return its path.

    A folder that is there keeps its mode: it may be one that others were meant to share. It has to be
    our own, for what is done in another user's folder can be led astray. Raises OSError.
    """
    _make_with_parents(path)
    check_own(path)
    return path


def check_own(path: str) -> None:
    """Raises OSError unless the folder is the effective user's. A link to it counts only if it was made
    by that user or by root."""
    user = os.geteuid()
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode) and found.st_uid not in (0, user):
        raise PermissionError(EPERM, "it is a link that another user has made", path)
    found = os.stat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), path)
    if found.st_uid != user:
        raise PermissionError(EPERM, f"it belongs to the user {found.st_uid}, not to {user}", path)


def _make_with_parents(path: str) -> None:
    try:
        _make(path)
    except FileNotFoundError:
        parent = os.path.dirname(os.path.abspath(path))
        if not os.path.lexists(parent):
            _make_with_parents(parent)
        _make(path)  # raises where nothing can be made, as in /proc or behind a link to nowhere


def _make(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700)
    except FileExistsError:
        pass
