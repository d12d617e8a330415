"""Where a domain's record goes, as the checks see it."""

from __future__ import annotations

from ....dns.destination import Destination, Server
from ..finding import Examined


def followed(examined: Examined) -> Destination:
    """The way of the challenge name; where the configuration names its servers, those and no more.

    Raises DelegationError.
    """
    name = examined.name
    if told := examined.settings.nameservers_for(name):
        return Destination(name, name, "", tuple(Server(str(each), (each,)) for each in told), (name,))
    return examined.discovery.find(name)
