"""Where a domain's record goes, as the checks see it."""

from __future__ import annotations

from .....dns.destination import Destination, Server
from ...finding import Examined


def followed(examined: Examined) -> Destination:
    """Where the challenge name leads to; or the servers that the configuration names, and no CNAME followed.

    Raises DelegationError.
    """
    name = examined.name
    if nameservers := examined.settings.nameservers_for(name):
        return Destination(name, name, "", tuple(Server(str(each), (each,)) for each in nameservers), (name,))
    return examined.discovery.find(name)
