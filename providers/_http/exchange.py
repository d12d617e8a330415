"""One request and its answer, by a session of requests: limited in time and in size.

``requests`` has a time limit for each octet, and none for the size of what is uncompressed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from ... import __version__
from ...deadline import within
from ...http_deadline import LimitedConnection
from .body import HttpResponse, UnreadableAnswer, whole

PIECE = 65536  # octets read at once
CONNECTIONS = 32  # to one host that are kept: more than any account has zones changed at once
TRUST_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Alpine, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora and its kin
    "/etc/ssl/ca-bundle.pem",  # SUSE
)


def open_session(trust_stores: Iterable[str] = TRUST_STORES) -> requests.Session:
    """A session, for ``exchange``. It trusts the CAs that the machine trusts, those of a company among them:
    the first of these files that is there. SSL_CERT_FILE holds, as it does for OpenSSL."""
    session = requests.Session()
    session.headers.update({"User-Agent": f"dns01/{__version__}", "Accept": "application/json"})
    session.verify = os.environ.get("SSL_CERT_FILE") or _trusted(trust_stores) or True
    keep_deadlines(session)
    return session


def _trusted(stores: Iterable[str]) -> str:
    """The first file that is there, unless requests has a variable that says which; else empty."""
    if any(os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")):
        return ""
    return next(filter(os.path.isfile, stores), "")


def keep_deadlines(session: requests.Session) -> None:
    """Limit all that the session sends to ``within`` (deadline.py), and ask for no compression but the one
    that ``body_of`` takes."""
    session.headers["Accept-Encoding"] = "gzip"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(pool_maxsize=CONNECTIONS))


def limit_other_sessions(largest: int) -> None:
    """Limit every session that is opened from now on, by whatever library in this process, to ``within``, and
    have it take ``largest`` octets of an answer, uncompressed: for libraries that offer no way to say so."""
    setattr(requests.sessions, "HTTPAdapter", partial(_WholeAnswers, largest))  # noqa: B010


def exchange(
    session: requests.Session, method: str, url: str, timeout: float, largest: int, **content: Any
) -> HttpResponse:
    """Send one request, and give its answer; a redirection is an answer like any other.

    ``timeout``: seconds for all of it, once the host's address is known; ``largest``: octets of the
    answer, uncompressed; ``content``: what ``requests`` takes besides. Raises
    UnreadableAnswer, and what ``requests`` raises.
    """
    with (
        within(timeout),
        closing(
            session.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **content)
        ) as response,
    ):
        body = body_of(response, largest)
        return HttpResponse(response.status_code, response.reason or "", response.headers, body)


def body_of(response: requests.Response, largest: int) -> bytes:
    """The body of an answer that is still to be read (``stream``), uncompressed: ``largest`` octets at most.

    Raises UnreadableAnswer, and what ``requests`` raises.
    """
    try:
        return whole(_pieces(response.raw), response.headers.get("Content-Encoding", ""), largest)
    except urllib3.exceptions.TimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from None
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from None


def _pieces(raw: Any) -> Iterator[bytes]:
    """The body as it comes, compressed or not."""
    while piece := raw.read(PIECE, decode_content=False):
        yield piece


class _PlainConnection(LimitedConnection, HTTPConnection):
    pass


class _Secure(LimitedConnection, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(*args, **more)
        manager.pool_classes_by_scheme = POOLS
        return manager


class _WholeAnswers(_Adapter):
    """What it hands on has been read, and is no larger than it may be."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        request.headers["Accept-Encoding"] = "gzip"
        response = super().send(request, *args, **{**more, "stream": True})
        with closing(response):
            try:
                response._content = body_of(response, self._largest)
            except UnreadableAnswer as error:
                raise requests.ConnectionError(f"its answer {error}") from None
        response._content_consumed = True  # type: ignore[attr-defined]
        return response
