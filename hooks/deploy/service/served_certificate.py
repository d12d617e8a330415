"""Ask a service over TLS which certificate it serves, and wait until it is the new one.

A service is ``HOST:PORT`` where TLS comes first, else ``smtp://HOST[:PORT]``, and so for imap,
pop3, ldap and postgres.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from .... import output
from ....deadline import connect, remaining, within
from ....errors import ConfigError, DeployError
from .starttls import DIALECTS, Dialect, StartTlsRefused

if TYPE_CHECKING:  # with it comes cryptography, which the reading of the configuration can do without
    from ..certificate.leaf import Leaf

RETRY_INTERVAL = 0.5  # seconds between two attempts
CONNECTION_TIMEOUT = 10.0  # seconds for a connection and all that is said on it
LAST_CONNECTION_TIMEOUT = 3.0  # seconds, at least, for the last attempt of a wait

# OpenSSL's word for the suites of each type of key. Where a service has a certificate of each, it
# is the client's suites that decide which of them it shows.
KEY_TYPES = ("aECDSA", "aRSA")

_WHERE = re.compile(r"(?:(\w+)://)?(?:\[([0-9A-Fa-f:.]+)\]|([^\s/:\[\]]+))(?::([0-9]{1,5}))?/?")


class Service(NamedTuple):
    """A service that can be asked for its certificate. ``dialect``: None where TLS comes first."""

    host: str
    port: int
    dialect: Dialect | None


def service(where: str) -> Service:
    """Read what the configuration says of a service. Raises ConfigError."""
    match = _WHERE.fullmatch(where)
    dialect = DIALECTS.get(match[1]) if match and match[1] else None
    port = (match and match[4]) or (dialect.port if dialect else 0)
    if not match or (match[1] and not dialect) or not 0 < int(port) < 65536:
        raise ConfigError(
            f"{where!r} is no service that can be looked at",
            f"write www.example.org:443, or {', '.join(f'{name}://HOST:PORT' for name in DIALECTS)}",
        )
    return Service(match[2] or match[3], int(port), dialect)


def verify(
    where: str,
    fingerprint: str,
    within: float = 30,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Connect until the service serves the certificate of that fingerprint (SHA-256 in hex), for
    ``within`` seconds; at least once.

    Raises ConfigError for what is no service, and DeployError, which says what it shows instead.
    """
    place = service(where)
    end = clock() + within
    announced = False
    while True:
        timeout = min(CONNECTION_TIMEOUT, max(end - clock(), LAST_CONNECTION_TIMEOUT))
        try:
            served = _served_instead(place, where, fingerprint, timeout)
        except DeployError as error:
            problem = error
        else:
            if served is None:
                return
            problem = DeployError(
                f"{where} shows the certificate {_described(served)}, and not {fingerprint[:16]}…",
                "see that the service has been reloaded, and which files its configuration names",
            )
        if clock() + RETRY_INTERVAL > end:
            raise problem
        if not announced:
            output.step(f"waiting for {where} to show the new certificate, {within:.0f} s at most")
            announced = True
        sleep(RETRY_INTERVAL)


def live(where: str, timeout: float = CONNECTION_TIMEOUT) -> bytes:
    """The certificate that the service shows, as DER; ``timeout``: seconds for all of it.

    It is not asked whether anybody trusts it. Raises ConfigError, and DeployError where there is none.
    """
    return _certificate_of(service(where), where, timeout, _context())


def _served_instead(place: Service, where: str, fingerprint: str, timeout: float) -> Leaf | None:
    """The certificate shown in the place of the one that is looked for; None: that is shown."""
    first = None
    for leaf in _each_served(place, where, timeout):
        if leaf.fingerprint == fingerprint:
            return None
        first = first or leaf
    return first


def _each_served(place: Service, where: str, timeout: float) -> Iterator[Leaf]:
    """The certificate, and those that the service has for other types of key."""
    from ..certificate.leaf import leaf_of

    yield leaf_of(_certificate_of(place, where, timeout, _context()))
    for suites in KEY_TYPES:
        context = _context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # where suites still say what the key is
        context.set_ciphers(suites)
        with suppress(DeployError):
            yield leaf_of(_certificate_of(place, where, timeout, context))


def _certificate_of(place: Service, where: str, timeout: float, context: ssl.SSLContext) -> bytes:
    try:
        with within(timeout), connect(place.host, place.port) as connection:
            if place.dialect:
                place.dialect.ask(connection)
            connection.settimeout(remaining())  # of the handshake as a whole
            with context.wrap_socket(connection, server_hostname=place.host) as secured:
                return secured.getpeercert(binary_form=True) or b""
    except StartTlsRefused as error:
        raise DeployError(
            f"{where} does not begin TLS: {error}", "see that TLS is switched on there, and the protocol"
        ) from None
    except ssl.SSLError as error:
        raise DeployError(
            f"{where} and we do not come to terms on TLS: {error.reason or error}",
            "see the service's log: it may have failed to load the certificate or the key",
        ) from None
    except OSError as error:
        raise DeployError(
            f"{where} does not answer: {error.strerror or error}",
            "see that the service runs, and that this machine may connect to it",
        ) from None


def _context() -> ssl.SSLContext:
    """Of a client that trusts everybody: it is the fingerprint that is compared."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _described(leaf: Leaf) -> str:
    """What tells it from others."""
    names = ", ".join(leaf.names) or "no name"
    return f"{leaf.fingerprint[:16]}… ({names}; until {leaf.not_after:%Y-%m-%d %H:%M} UTC)"
