"""A call in the middle of a run of certbot's manual plugin: its challenge is left to the last one.

certbot starts its hook twice for each name of a certificate, and all of these calls but the first and the
last of each kind end here. Only what ``os`` has loaded itself is imported.

::

    STATE/intents/PURPOSE-PID-START-WHERE.jsonl   whose run it is, then a line for each call
"""

from __future__ import annotations

import os
import stat

from ..clients.procfs import upwards, where
from .folder import check_own, state_dir

TYPE_CHECKING = False  # as in typing, whose import would double the start-up
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = "intents"
PURPOSES = {"certbot auth": "publish", "certbot cleanup": "retract"}
APPENDING = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def add_call(words: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Add the challenge to the batch of its run. False where the call has to go the full way: the first and
    the last of a run, and whatever is not plain.

    What is read is said in clients/certbot.py, which looks at all of it again in the last call.
    """
    purpose = PURPOSES.get(" ".join(words))
    domain = environ.get("CERTBOT_IDENTIFIER") or environ.get("CERTBOT_DOMAIN", "")
    value = environ.get("CERTBOT_VALIDATION", "")
    is_last = environ.get("CERTBOT_REMAINING_CHALLENGES", "") in ("", "0")
    if purpose is None or is_last or environ.get("CERTBOT_TOKEN"):
        return False
    if not (_is_plain(domain) and len(domain) < 256 and _is_plain(value) and len(value) == 43):
        return False
    try:
        state = state_dir(environ)
        check_own(state)
        check_own(os.path.join(state, FOLDER))
        here = where()
        for pid, status in upwards(os.getppid()):
            path = os.path.join(state, FOLDER, file_name(purpose, pid, status[3], here))
            if os.path.lexists(path):
                append(path, f'{{"domain": "{domain}", "token": "", "validation": "{value}"}}')
                return True
    except OSError:  # which the full way has words for
        pass
    return False


def file_name(purpose: str, pid: int, start: int, where: str) -> str:
    """The name of the file for the run of a process; ``where``: as procfs gives it."""
    place = "".join(char if char.isalnum() or char in ".-" else "_" for char in where)
    return f"{purpose}-{pid}-{start}-{place}.jsonl"


def append(path: str, text: str) -> None:
    """One line more; a line that a full disk has torn ends before it. Raises OSError."""
    file = os.open(path, APPENDING)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError("it is not a regular file")
        line = f"\n{text}".encode()
        if os.write(file, line) < len(line):
            raise OSError("the disk is full")
    finally:
        os.close(file)


def _is_plain(text: str) -> bool:
    """Whether there is nothing in it that JSON would write otherwise."""
    return text != "" and text.isascii() and all(char.isalnum() or char in "*.-_" for char in text)
