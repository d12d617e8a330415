"""DNS over HTTPS (RFC 8484): one question, one POST.

The proxy is that of HTTPS_PROXY; the endpoint's certificate is always verified, against the CAs of
SSL_CERT_FILE where that is set.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.rdatatype
import httpx

from .... import dns_message
from ....providers._http.body import UnreadableAnswer
from ....providers._http.httpx_post import open_client, post
from ..message import TXT, Response

HTTPS_TIMEOUT = 4.0  # seconds
LARGEST_ANSWER = 65535  # octets of an answer (RFC 8484 §6)
MEDIA_TYPE = "application/dns-message"


class Doh:
    """``with Doh() as doh: doh.ask("https://192.0.2.53/dns-query", "example.org").texts``

    ``timeout``: seconds for the connection and all of the answer.
    """

    def __init__(self, timeout: float = HTTPS_TIMEOUT) -> None:
        self._timeout = timeout

    def __enter__(self) -> Self:
        self._client: httpx.Client | None = None
        self._trouble = ""
        try:
            self._client = open_client(self._timeout)
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            # A proxy that is none, SOCKS without its package, a file of CAs that is not there.
            self._trouble = f"HTTPS cannot be used: {type(error).__name__}, see HTTPS_PROXY and SSL_CERT_FILE"
        return self

    def __exit__(self, *_: object) -> None:
        if self._client:
            self._client.close()

    def ask(self, endpoint: str, name: str, rdtype: dns.rdatatype.RdataType = TXT) -> Response:
        """What the resolver at this URL answers. What goes wrong is in the answer."""
        if self._client is None:
            return Response(None, self._trouble)
        query = dns.message.make_query(name, rdtype, use_edns=0, id=0)  # no id: RFC 8484 §4.1
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        try:
            response = post(
                self._client,
                endpoint,
                self._timeout,
                LARGEST_ANSWER,
                content=query.to_wire(),
                headers=headers,
            )
        except UnreadableAnswer as reason:
            return Response(None, f"what it answers {reason}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Response(None, str(error) or type(error).__name__)
        if response.status != 200:
            return Response(None, f"HTTP {response.status}")
        try:
            message = dns_message.parse(response.content)
        except (dns.exception.DNSException, ValueError):
            return Response(None, "what it answers is no DNS message")
        return (
            Response(message) if query.is_response(message) else Response(None, "it answers something else")
        )

    def ask_all(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Response]:
        """The TXT records of many (endpoint, name), a few of them at a time."""
        asked = list(pairs)
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(asked, pool.map(lambda pair: self.ask(*pair), asked), strict=True))
