"""The zones that a challenge depends on, each looked at once for all checks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from ......errors import DelegationError, HookError
from ......names import PREFIX
from ......threads import in_background_once
from .....dns.cname_chain import ChainError, Discovery
from .....dns.inspect.zone_survey import ZoneSurvey, survey_named_servers, survey_zone
from ...finding import Examined
from .destination import followed


class _Look(NamedTuple):
    """What was found, and the seconds that it took."""

    survey: ZoneSurvey | None
    seconds: float


def surveys(examined: Examined) -> tuple[ZoneSurvey, ...]:
    """The zone of the domain, and those of its challenge name and of each CNAME on the way.

    None where the configuration itself names the servers: no delegation leads to those.
    """
    if examined.settings.nameservers_for(examined.name):
        return ()
    discovery = examined.discovery
    looks = {apex: _survey(discovery, apex) for apex in _apexes(discovery, examined.name)}
    return tuple(found for look in looks.values() if (found := look.result().survey))


def zone_of(examined: Examined, name: str) -> ZoneSurvey | None:
    """The zone that a name is in; None of a registry's, and where nothing is known of it."""
    with suppress(DelegationError):
        if "." in (apex := examined.discovery.cut(name).apex):
            return survey_of(examined.discovery, apex)
    return None


def survey_of(discovery: Discovery, apex: str, seconds: float | None = None) -> ZoneSurvey | None:
    """The same of a zone's apex; None also where the look takes, or has taken, longer than ``seconds``."""
    with suppress(TimeoutError):
        look = _survey(discovery, apex).result(seconds)
        return look.survey if seconds is None or look.seconds <= seconds else None
    return None


def named_survey(examined: Examined) -> ZoneSurvey | None:
    """The servers that the configuration names, and the zone that the account has there."""
    servers = followed(examined).servers
    settings = examined.settings
    apex = settings.apex_for(examined.name)
    with suppress(HookError):
        account, *_ = settings.accounts_for(examined.name)
        apex = examined.places.accounts.provider(account).zone_for(examined.name).apex
    return survey_named_servers(servers, apex or examined.name.removeprefix(PREFIX), settings.timing)


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


@in_background_once(256)
def _survey(discovery: Discovery, apex: str) -> _Look:
    """One look at a zone will do for all checks and all domains, which run side by side."""
    began, found = time.monotonic(), None
    with suppress(DelegationError):  # the delegation's check says so
        found = survey_zone(discovery, apex)
    return _Look(found, time.monotonic() - began)
