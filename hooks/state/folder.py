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


class UntrustedFolder(PermissionError):
    """Another user could lead astray what is done in the folder. ``hint``: what to do about it."""

    def __init__(self, path: str, why: str, hint: str) -> None:
        super().__init__(EPERM, why, path)
        self.hint = hint


def state_dir(environ: Mapping[str, str], user: int | None = None) -> str:
    """The path of the state folder, whether it is there or not.

    $DNS01_STATE_DIR, else the first of systemd's $STATE_DIRECTORY, else /var/lib/dns01 for root,
    else dns01 in $XDG_STATE_HOME (which the specification wants ignored when it is relative; so is a HOME
    that is). ``user``: the effective one, unless it is another's folder that is asked for. Raises StateError
    for a relative path: what is left there would not be found from another working folder.
    """
    path = _state_dir(environ, user)
    if not os.path.isabs(path):
        from ...errors import StateError

        raise StateError(
            f"the state folder {path} is another one in each working folder",
            "set DNS01_STATE_DIR to a whole path, one that begins with /",
        )
    return path


def _state_dir(environ: Mapping[str, str], user: int | None) -> str:
    if chosen := environ.get("DNS01_STATE_DIR"):
        return chosen
    if given := environ.get("STATE_DIRECTORY"):
        return given.split(":")[0]
    user = os.geteuid() if user is None else user
    if user == 0:
        return "/var/lib/dns01"
    above = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(above):
        home = environ.get("HOME", "")
        above = os.path.join(home if os.path.isabs(home) else _home(user), ".local/state")
    return os.path.join(above, "dns01")


def _home(user: int) -> str:
    """The user's home by the system's list of users; a relative path where that knows none."""
    from pwd import getpwuid

    try:
        return getpwuid(user).pw_dir
    except KeyError:
        return "~"


def private_folder(path: str) -> str:
    """Make the folder, and what it lies in, with mode 0700 whatever the umask; return its path.

    A folder that is there keeps its mode: others may be meant to read it. It has to be our own, and nobody
    else's to write to, for what is done there could be led astray. Raises OSError.
    """
    _make_with_parents(path)
    check_own(path)
    return path


def check_own(path: str, user: int | None = None) -> None:
    """Raises OSError unless the folder is the user's (uid; the effective one, where none is given), and what
    ``check_closed`` does."""
    owner = check_closed(path).st_uid
    user = os.geteuid() if user is None else user
    if owner != user:
        why = f"it belongs to the user {owner}, not to {user}"
        hint = f"run it as the user {owner} (ls -ld {path}), or set DNS01_STATE_DIR to another folder"
        if user == 0:
            hint = f"where root is to run it from now on: chown -R root: {path}; else {hint}"
        raise UntrustedFolder(path, why, hint)


def check_closed(path: str) -> os.stat_result:
    """The folder's status. Raises OSError where another user than its owner could put something into it,
    or has put a link in its place; a link of root's or of our own counts as the folder."""
    link = os.lstat(path)
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (0, os.geteuid()):
        hint = f"see where it leads (ls -ld {path}), and remove it"
        raise UntrustedFolder(path, "it is a link that another user has made", hint)
    found = os.stat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), path)
    if found.st_mode & 0o022:
        why = f"others may write to it (mode {stat.S_IMODE(found.st_mode):04o})"
        raise UntrustedFolder(
            path,
            why,
            f"chmod go-w {path}, and see that all in it is yours (ls -lR {path}); "
            "or, where it is a volume, set DNS01_STATE_DIR to a folder in it",
        )
    return found


def open_part(state: str, part: str) -> int:
    """A descriptor of a folder in the state folder, for what is read or moved there; a link is not followed.

    Raises OSError, as ``check_closed`` does for both, and FileNotFoundError where one is not there.
    """
    check_closed(state)
    path = os.path.join(state, part)
    check_closed(path)
    if os.path.islink(path):
        raise UntrustedFolder(path, "it is a link", "put the folder itself in its place")
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


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
