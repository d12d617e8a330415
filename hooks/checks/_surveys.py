"""The zones that a challenge depends on, each looked at once for all checks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache, partial
from threading import Lock

from ...errors import DelegationError
from ..aside import aside
from ..challenge import PREFIX
from ..delegation import ChainError, Discovery
from ..survey import Survey, survey
from . import Examined

_looking = Lock()


def surveys(examined: Examined) -> tuple[Survey, ...]:
    """The zone of the domain, and those of its challenge name and of each CNAME on the way.

    None where the configuration itself names the servers: no delegation leads to those.
    """
    if examined.settings.nameservers_for(examined.name):
        return ()
    with _looking:  # the checks run side by side, and the first one looks for all
        return _surveys(examined.discovery, examined.name)


@lru_cache(maxsize=32)
def _surveys(discovery: Discovery, name: str) -> tuple[Survey, ...]:
    looks: dict[str, Future[Survey | None]] = {}
    for apex in _apexes(discovery, name):
        if apex not in looks:
            looks[apex] = aside(partial(_survey, discovery, apex))
    return tuple(look for future in looks.values() if (look := future.result()))


def _apexes(discovery: Discovery, name: str) -> Iterator[str]:
    """Of all zones on the way; but not of the registry's, whose servers are nobody's to mend, nor of
    one that is down, of which the delegation's check says all that there is to say."""
    yield from _apex(discovery, name.removeprefix(PREFIX))
    chain: tuple[str, ...] = (name,)
    try:
        delegation = discovery.find(name)
        if "." in delegation.zone and not delegation.trouble:
            yield delegation.zone
        chain = delegation.chain
    except ChainError as error:
        chain = error.chain
    except DelegationError:
        return
    for each in chain:
        yield from _apex(discovery, each)


def _apex(discovery: Discovery, name: str) -> Iterator[str]:
    with suppress(DelegationError):
        if "." in (apex := discovery.cut(name).apex):
            yield apex


def _survey(discovery: Discovery, apex: str) -> Survey | None:
    with suppress(DelegationError):  # the delegation's check says so
        return survey(discovery, apex)
    return None
