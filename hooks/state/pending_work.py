"""Whether anything is left to be done: all that a phase with no work may ask.

Nothing but ``os`` is imported, which Python has loaded itself, unless something is there.
"""

from __future__ import annotations

import os

from .folder import check_closed, state_dir

CONFIGURATION = "/etc/dns01/config.toml"

TYPE_CHECKING = False  # as in typing, whose import would double the start-up
if TYPE_CHECKING:
    from collections.abc import Mapping


def anything_open(environ: Mapping[str, str]) -> bool:
    """Whether the journal holds an entry; True as well if the folder cannot be read, so that
    the full way, which says why, is taken."""
    return _holds_any(environ, "open")


def anything_pending(environ: Mapping[str, str]) -> bool:
    """Whether a certificate is still to be brought somewhere; True as well if that cannot be read."""
    return _holds_any(environ, "pending")


def anything_notified(environ: Mapping[str, str]) -> bool:
    """Whether somebody was told of a problem, and has not heard yet that it is over."""
    return _holds_any(environ, "notified")


def is_undelivered(environ: Mapping[str, str], domain: str = "", cert: str = "") -> bool:
    """Whether the file of a certificate is newer than the last time that it was brought anywhere, and
    nothing of it is pending: what said that it was renewed was killed, or could not write here."""
    import time

    try:
        brought = _times(environ, "deployed", domain)
        newest = os.stat(cert).st_mtime
        now = time.time()  # what is later was brought while the clock was wrong
        last = max((at for at in brought if at <= now), default=0.0)
        return bool(brought) and newest > last and not _times(environ, "pending", domain)
    except OSError:
        return False


def is_uncompared(environ: Mapping[str, str], domain: str = "", cert: str = "") -> bool:
    """Whether the certificate is there, and no call has compared its targets with what was brought there
    since the configuration file has changed, and nothing of it is pending: the first delivery of all was
    killed before it could write anything down, or a target is new."""
    version = configuration_version(environ)
    try:
        compared = os.open(compared_file(environ, domain), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return version != "" and os.read(compared, 80) != f'"{version}"\n'.encode()  # as ``stage`` has it
        finally:
            os.close(compared)
    except OSError:
        pass
    try:
        return version != "" and os.path.exists(cert) and not _times(environ, "pending", domain)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def configuration_version(environ: Mapping[str, str]) -> str:
    """Another one whenever the configuration file has changed; "" where there is none."""
    try:
        status = os.stat(environ.get("DNS01_CONFIG", CONFIGURATION))
    except OSError:
        return ""
    return f"{status.st_ctime_ns} {status.st_ino}"


def compared_file(environ: Mapping[str, str], domain: str) -> str:
    """Holds the configuration_version that the certificate's targets were last compared under."""
    name = "".join(char if char.isalnum() or char in "*.-" else "_" for char in domain.lower())
    return os.path.join(state_dir(environ), "compared", name[:180])


def _times(environ: Mapping[str, str], folder: str, domain: str) -> list[float]:
    """When the deliveries of the certificate were written there, in epoch seconds. Raises OSError."""
    with os.scandir(os.path.join(state_dir(environ), folder)) as files:
        names = (f"{domain.lower()}_", ".json")  # what a killed process was writing ends otherwise
        ours = [file for file in files if file.name.startswith(names[0]) and file.name.endswith(names[1])]
        return [file.stat().st_mtime for file in ours]


def _holds_any(environ: Mapping[str, str], folder: str) -> bool:
    state = state_dir(environ)
    try:
        check_closed(state)
        check_closed(os.path.join(state, folder))
        with os.scandir(os.path.join(state, folder)) as files:
            return any(file.name.endswith(".json") for file in files)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def anything_of_this_call(environ: Mapping[str, str], *, at_exit: bool) -> bool:
    """Whether any of what is open or pending is for this call to deal with: what nobody else is at work on,
    and ``at_exit`` what this run of the client has left. True as well for what cannot be read."""
    from .liveness import is_due_file, is_left_file

    ours: set[int] = set()
    if at_exit:
        from ..clients.procfs import upwards

        ours = {pid for pid, _ in upwards(os.getppid())}
    judges = {"open": is_left_file, "pending": is_due_file}
    for part, is_for_this_call in judges.items():
        folder = os.path.join(state_dir(environ), part)
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            continue
        except OSError:
            return True
        if any(is_for_this_call(os.path.join(folder, name), ours) for name in names):
            return True
    return False


def anything_due(environ: Mapping[str, str]) -> bool:
    """Whether any of what is pending is to be tried again by this call; True as well for what cannot be
    read, so that the full way, which says why, is taken."""
    from .liveness import is_due_file

    folder = os.path.join(state_dir(environ), "pending")
    try:
        return any(is_due_file(os.path.join(folder, name)) for name in os.listdir(folder))
    except FileNotFoundError:  # done by another process
        return False
    except OSError:
        return True
