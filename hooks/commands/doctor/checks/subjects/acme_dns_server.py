"""The acme-dns whose API the account uses, and the one that the world is led to: two of them after a move."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from .....config.settings import Account
from .....dns.address import Address, resolved
from .....dns.destination import Destination
from .....dns.message import TXT, Query, Response
from .....dns.transports.transport import Transport
from ...finding import Examined, Finding, Severity

TIMEOUT = 2.0  # seconds for all of them


def left_behind(examined: Examined, delegation: Destination, account: Account) -> Finding | None:
    """The API's own host has values of the account's name, as it keeps the last two, and none of the servers
    that the world is led to has any. (Of a name that has never had one, acme-dns knows nothing either.)"""
    host = urlsplit(account.options.get("base_url", "")).hostname or ""
    public = [address for server in delegation.servers for address in server.addresses]
    apart = [address for address in (resolved(host) if host else ()) if address not in public]
    if not apart or not public:
        return None
    with Transport(examined.discovery.timing) as transport:
        answers = transport.ask((Query(each, delegation.target, TXT) for each in (*apart, *public)), TIMEOUT)
    said = {query.server: answer for query, answer in answers.items() if answer.authoritative}
    having = [each for each in apart if each in said and _has_values(said[each])]
    lacking = [each for each in public if each in said]
    if not having or not lacking or any(_has_values(said[each]) for each in lacking):
        return None
    zone, old, new = delegation.zone, _ips(lacking), _ips(having)
    names = ", ".join(server.name for server in delegation.servers)
    return Finding(
        "acmedns-elsewhere",
        Severity.ERROR,
        zone,
        f"the API of the account {account.name} ({host}) is that of the acme-dns at {new}, which has values "
        f"of {delegation.target}; the world is led to {names} ({old}), which has none: nothing that is "
        "published gets there",
        (
            f"if acme-dns has moved: in the zone above {zone}, give {names} the address {new}",
            f"or name the API of the one at {old}, and register there: dns01 register",
            f"compare: dig TXT {delegation.target} +norec @{having[0].ip}, and @{lacking[0].ip}",
        ),
    )


def _has_values(answer: Response) -> bool:
    return any(answer.texts)


def _ips(addresses: Iterable[Address]) -> str:
    return ", ".join(address.ip for address in addresses)
