"""The zones that a challenge depends on, each looked at once for all checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache, partial
from threading import Lock

from .....errors import DelegationError, HookError
from .....names import PREFIX
from .....threads import aside
from ....dns.address import Address
from ....dns.destination import ChainError
from ....dns.inspect.survey import Survey, survey, survey_named
from ....dns.message import TXT, Query, Response
from ....dns.transport import Transport
from ....dns.zone_cuts import Discovery
from ..finding import Examined
from .destination import followed

TEXT_TIMEOUT = 3.0  # seconds

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


def zone_of(examined: Examined, name: str) -> Survey | None:
    """The zone that a name is in; None of a registry's, and where nothing is known of it."""
    with suppress(DelegationError):
        if "." in (apex := examined.discovery.cut(name).apex):
            return _begun(examined.discovery, apex).result()
    return None


def texts_at(examined: Examined, survey: Survey, name: str) -> Mapping[Address, Response]:
    """What each server of the zone that is not silent says of the TXT records at a name, asked once for all
    checks."""
    with _beginning:
        looking = _begin_texts(examined.discovery, survey.apex, name)
    return looking.result()


@lru_cache(maxsize=1024)
def _begin_texts(discovery: Discovery, apex: str, name: str) -> Future[Mapping[Address, Response]]:
    return aside(partial(_texts, discovery, apex, name))


def _texts(discovery: Discovery, apex: str, name: str) -> Mapping[Address, Response]:
    survey = _begun(discovery, apex).result()
    looks = survey.looks if survey else ()
    queries = {Query(look.address, name, TXT, stream=not look.udp) for look in looks if not look.silent}
    with Transport(discovery.timing) as transport:
        return {query.server: answer for query, answer in transport.ask(queries, TEXT_TIMEOUT).items()}


def named_survey(examined: Examined) -> Survey | None:
    """The servers that the configuration names, and the zone that the account has there."""
    servers = followed(examined).servers
    settings = examined.settings
    apex = settings.apex_for(examined.name)
    with suppress(HookError):
        account, *_ = settings.accounts_for(examined.name)
        apex = examined.places.provider(account).zone_for(examined.name).apex
    return survey_named(servers, apex or examined.name.removeprefix(PREFIX), settings.timing)


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
