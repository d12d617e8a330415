"""What one of several calls of a client's run is to do: noted, and done by the last of them in one batch.

certbot starts its manual hooks once for each name. A call that is not the last writes its challenge here,
which costs it next to nothing: nothing is published or retracted by it. An intent that no last call comes
for has done no harm, and is dropped when its client has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from ..clients.call import Call
from ..clients.challenge import Challenge
from ..clients.process import Client, calling_client
from .atomic import iso, labelled
from .audit.record import entry
from .audit.trail import Trail
from .folder import state_dir
from .orphans import is_left
from .store import Kind, Store

Purpose = Literal["publish", "retract", "foreign"]  # foreign: a challenge of another type, not ours


class Intent(NamedTuple):
    """A challenge, and what is to become of it. ``noted``: epoch seconds."""

    domain: str
    token: str
    validation: str
    purpose: Purpose
    client: Client
    noted: float

    @property
    def challenge(self) -> Challenge:
        return Challenge(self.domain, self.token, self.validation)


class Intents:
    """The intents of one state folder. Every method may raise StateError."""

    def __init__(self, state: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._store = Store(state, INTENTS)

    def note(self, call: Call, client: Client) -> None:
        """Write down the challenges of a call that is not the last of its run."""
        purpose: Purpose = (
            "retract" if call.phase == "retract" else "publish" if call.phase == "publish" else "foreign"
        )
        now = float(self._clock())
        self._store.put(
            [Intent(c.domain, c.token, c.validation, purpose, client, now) for c in call.challenges]
        )

    def of(self, client: Client, purpose: Purpose) -> list[Intent]:
        """Those of this run of the client, in the order of their noting."""
        found = [each for each in self._store.all() if each.client == client and each.purpose == purpose]
        return sorted(found, key=lambda intent: intent.noted)

    def done(self, intents: Iterable[Intent]) -> None:
        """Forget them, and those whose client has ended."""
        now = self._clock()
        left = [each for each in self._store.all() if is_left(each.client, each.noted, now)]
        self._store.remove([*intents, *left])


def noted(call: Call, environ: Mapping[str, str]) -> bool:
    """Note the call, if it is neither the first nor the last of its run: nothing is to be done about it but
    that, and nothing but the standard library is needed. False if it has to go the full way."""
    client = None if call.last else calling_client()
    if client is None:
        return False
    intents = Intents(state_dir(environ))
    if not intents.of(client, _purpose(call)):
        return False
    intents.note(call, client)
    Trail.of(environ).write(entry(call))
    return True


def _purpose(call: Call) -> Purpose:
    return "retract" if call.phase == "retract" else "publish"


def _encode(intent: Intent) -> dict[str, Any]:
    return {**intent._asdict(), "client": intent.client._asdict(), "noted_at": iso(intent.noted)}


def _decode(data: Mapping[str, Any]) -> Intent:
    intent = Intent(
        **{**{field: data[field] for field in Intent._fields}, "client": Client(**data["client"])}
    )
    texts = (intent.domain, intent.token, intent.validation)
    if not all(isinstance(text, str) for text in texts) or intent.purpose not in get_args(Purpose):
        raise ValueError("a field is of another type")
    return intent


def _file_name(intent: Intent) -> str:
    client = (intent.client.where, str(intent.client.pid), str(intent.client.start))
    return labelled(intent.domain, "\n".join((intent.purpose, intent.validation, intent.token, *client)))


INTENTS: Kind[Intent] = Kind(
    "intents", _encode, _decode, _file_name, "a file about a challenge to come", "run the client again"
)
