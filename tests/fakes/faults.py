"""What can go wrong with a request, whether the API has carried it out or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """Befalls as many requests as ``times`` says, of those that write or of those that read if
    ``writing`` says so. ``done``: the API had carried them out by then."""

    done: bool = field(default=False, kw_only=True)
    times: int = field(default=1, kw_only=True)
    writing: bool | None = field(default=None, kw_only=True)


@dataclass
class Status(Fault):
    """An error in the API's own JSON."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "The API's own words."


@dataclass
class Hang(Fault):
    """No answer, and the connection stays open."""


@dataclass
class Drip(Fault):
    """An answer of which one octet comes after the other, without end: of its headers, or of its body."""

    headers: bool = False


@dataclass
class Bomb(Fault):
    """200 OK, and a small body that is large once it is uncompressed, or one that never ends."""

    compressed: bool = True


@dataclass
class Encoded(Fault):
    """200 OK, and a body in an encoding that was not asked for, or that is not in the one it claims."""

    encoding: str = "br"


@dataclass
class Reset(Fault):
    """The connection is reset in the middle of the answer."""


@dataclass
class Cut(Fault):
    """200 OK, and an answer of which half is missing."""


@dataclass
class Text(Fault):
    """An answer of somebody else."""

    status: int = 200
    text: str = "<!doctype html><title>Log in</title>"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Shape(Fault):
    """200 OK, and an answer that has nothing of what the API promises."""


@dataclass
class Altered(Fault):
    """The API's own answer, with something else in it: ``change`` makes it of what the API says."""

    change: Callable[[Any], Any]
    done: bool = field(default=True, kw_only=True)


@dataclass
class Json(Fault):
    """JSON that is none of the API's, with any status."""

    body: Any = None
    status: int = 200
