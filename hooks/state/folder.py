"""Where the state is kept, and whether anything is open: all that a phase with no work may ask.

Only ``os`` is imported: the way of a phase that has nothing to do leads through here.
"""

from __future__ import annotations

import os

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


def anything_open(environ: Mapping[str, str]) -> bool:
    """Whether the journal holds an entry; True as well if the folder cannot be read, so that
    the full way, which says why, is taken."""
    return _holds_any(environ, "open")


def anything_pending(environ: Mapping[str, str]) -> bool:
    """Whether a certificate is still to be brought somewhere; True as well if that cannot be read."""
    return _holds_any(environ, "pending")


def is_lost(environ: Mapping[str, str], domain: str = "", cert: str = "") -> bool:
    """Whether the file of a certificate is newer than the last time that it was brought anywhere, and
    nothing of it is pending: what said that it was renewed was killed, or could not write here."""
    try:
        brought = _times(environ, "deployed", domain)
        newest = os.stat(cert).st_mtime
        return newest > max(brought, default=newest) and not _times(environ, "pending", domain)
    except OSError:
        return False


def _times(environ: Mapping[str, str], folder: str, domain: str) -> list[float]:
    """When the deliveries of the certificate were written there, in epoch seconds. Raises OSError."""
    with os.scandir(os.path.join(state_dir(environ), folder)) as files:
        return [file.stat().st_mtime for file in files if file.name.startswith(f"{domain.lower()}_")]


def _holds_any(environ: Mapping[str, str], folder: str) -> bool:
    try:
        with os.scandir(os.path.join(state_dir(environ), folder)) as files:
            return any(file.name.endswith(".json") for file in files)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def private_folder(path: str) -> str:
    """Make the folder, and what it lies in, with mode 0700 whatever the umask; return its path.

    A folder that is there keeps its mode: it may be one that others were meant to share.
    Raises OSError.
    """
    try:
        _make(path)
    except FileNotFoundError:
        parent = os.path.dirname(os.path.abspath(path))
        if not os.path.lexists(parent):
            private_folder(parent)
        _make(path)  # raises where nothing can be made, as in /proc or behind a link to nowhere
    return path


def _make(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700)
    except FileExistsError:
        pass
