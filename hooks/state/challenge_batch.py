"""The challenges of a client's run that its last call publishes, or retracts, in one batch.

certbot starts its manual hooks once for each name. A call that is not the last writes its challenge to a
file here (``certbot_batch.py`` does it for most of them): nothing is published or retracted by it. A file
that no last call comes for has done no harm, and is removed once its client has ended.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Literal

from ...output import warning
from ..clients.challenge import Challenge
from ..clients.process import ClientProcess
from .atomic import discard, read_own, stage_text, usable
from .certbot_batch import FOLDER, append, file_name
from .folder import check_own, private_folder
from .liveness import is_abandoned
from .store import MALFORMED

Purpose = Literal["publish", "retract", "foreign"]  # foreign: a challenge of another type, not ours

VERSION = 1
LARGEST_BATCH = 1 << 20  # octets; a challenge has some 150


class ChallengeBatch:
    """The challenges that wait in one state folder. Every method may raise StateError."""

    def __init__(
        self, state: str, clock: Callable[[], float] = time.time, warn: Callable[[str], None] = warning
    ) -> None:
        self._state = state
        self._clock = clock
        self._warn = warn

    def note(self, client: ClientProcess, purpose: Purpose, challenges: Iterable[Challenge]) -> None:
        """Write down the challenges of a call that is not the last of its run."""
        lines = [json.dumps(_encode(challenge)) for challenge in challenges]
        path = self._path(client, purpose)
        if not lines:
            return
        with usable(self._state):
            private_folder(self._state)
            private_folder(self._path())
            if os.path.lexists(path):
                append(path, "\n".join(lines))
            else:
                whose = json.dumps({"version": VERSION, **client._asdict()})
                os.rename(stage_text(path, "\n".join([whose, *lines]), sync=False), path)

    def of(self, client: ClientProcess, purpose: Purpose) -> list[Challenge]:
        """The challenges of this run of the client, in order. A line that is none is warned about."""
        path, lines = self._path(client, purpose), list[bytes]()
        try:
            with usable(self._state), suppress(FileNotFoundError):
                lines = self._read(path)[1]
        except MALFORMED as error:
            self._warn(f"{path} is no list of challenges ({error}): run the client again")
        found = []
        for line in lines:
            try:
                found.append(_decode(json.loads(line)))
            except MALFORMED:
                self._warn(f"a line of {path} is no challenge: run the client again")
        return found

    def done(self, client: ClientProcess, *purposes: Purpose) -> None:
        """Remove what waits for these purposes, and whatever is of clients that have ended."""
        with usable(self._state), suppress(FileNotFoundError):
            check_own(self._path())
            for purpose in purposes:
                discard(self._path(client, purpose))
            with os.scandir(self._path()) as files:
                for file in files:
                    if self._is_abandoned(file):
                        with suppress(OSError):  # a folder
                            discard(file.path)

    def _is_abandoned(self, file: os.DirEntry[str]) -> bool:
        """What cannot be read counts as that of a client that nothing is known of."""
        try:
            client = self._read(file.path)[0]
        except (OSError, *MALFORMED):
            client = None
        try:
            return is_abandoned(client, file.stat(follow_symlinks=False).st_mtime, self._clock())
        except OSError:  # another process was quicker
            return False

    def _read(self, path: str) -> tuple[ClientProcess, list[bytes]]:
        """Whose run it is, and the lines. Raises OSError and what is in MALFORMED."""
        check_own(os.path.dirname(path))
        first, *lines = read_own(path, LARGEST_BATCH).split(b"\n")
        whose = json.loads(first)
        if whose.pop("version") > VERSION:
            raise ValueError("a newer dns01 wrote it")
        client = ClientProcess(**whose)
        for value, kind in zip(client, (str, int, int, str), strict=True):
            if not isinstance(value, kind):
                raise TypeError("a field is of another type")
        return client, lines

    def _path(self, client: ClientProcess | None = None, purpose: Purpose = "publish") -> str:
        name = [file_name(purpose, client.pid, client.start, client.where)] if client else []
        return os.path.join(self._state, FOLDER, *name)


def _encode(challenge: Challenge) -> dict[str, str]:
    return {"domain": challenge.domain, "token": challenge.token, "validation": challenge.validation}


def _decode(data: Mapping[str, Any]) -> Challenge:
    challenge = Challenge(data["domain"], data["token"], data["validation"])
    if not all(isinstance(text, str) for text in challenge):
        raise TypeError("a field is of another type")
    return challenge
