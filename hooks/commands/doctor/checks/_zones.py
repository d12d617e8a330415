"""The zones that a challenge depends on, each looked at once for all checks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache, partial
from threading import Lock

from .....errors import DelegationError
from .....names import PREFIX
from .....threads import aside
from ....dns.delegation import ChainError
from ....dns.inspect.survey import Survey, survey
from ....dns.zone_cuts import Discovery
from ..finding import Examined

_beginning = Lock()


def surveys(examined: Examined) -> tuple[Survey, ...]:
    """The zone of the domain, and those of its challenge name and of each CNAME on the way.

    None where the configuration itself names the servers: no delegation leads to those.
    """
    if examined.settings.nameservers_for(examined.name):
        return ()
    discovery = examined.discovery
    looks = {apex: _begun(discovery, apex) for apex in _apexes(discovery, examined.name)}
    return tuple(found for look in looks.values() if (found := look.result()))


def _begun(discovery: Discovery, apex: str) -> Future[Survey | None]:
    """One look at a zone will do for all checks and all domains, which run side by side."""
    with _beginning:
        return _begin(discovery, apex)


@lru_cache(maxsize=256)
def _begin(discovery: Discovery, apex: str) -> Future[Survey | None]:
    return aside(partial(_survey, discovery, apex))


def _apexes(discovery: Discovery, name: str) -> Iterator[str]:
    """Of all zones on the way; but not of the registry's, whose servers are nobody's to mend, nor of
    one that is down, of which the delegation's check says all that there is to say."""
    yield from _apex(discovery, name.removeprefix(PREFIX))
    chain: tuple[str, ...] = (name,)
    try:
        delegation = discovery.find(name)
        if "." in delegation.zone and not delegation.trouble:
            yield delegation.zone
        chain = delegation.chain[:-1]
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
