"""One query and what comes of it: the message that is sent, and which octets are its response."""

from __future__ import annotations

import socket
from copy import copy
from functools import lru_cache

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from .... import dns_message
from ..address import Address
from ..message import Query

UDP_PAYLOAD = 1232  # octets: what crosses every path unfragmented (DNS flag day 2020)
LARGEST_KEPT = 4096  # octets of a message that is not read again if another server says the same
NO_EDNS = (dns.rcode.FORMERR, dns.rcode.NOTIMP)  # what a query with OPT may get there (RFC 6891 §7)

_WITHOUT_EDNS: set[Address] = set()  # servers of which that is known: none is asked so again
TRIES_WITH_EDNS = 2  # one error may be of one machine of several, or of chance; signatures need EDNS


class Exchange:
    """A query that was sent, until its response has come or its time is over."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.message = _message(query, edns=not query.plain and query.server not in _WITHOUT_EDNS)
        self._refused = 0  # times, for its EDNS
        self.deadline = 0.0
        self.datagrams = 0
        self.truncated = False
        self.socket: socket.socket | None = None

    def response_in(self, octets: bytes) -> dns.message.Message | None:
        """The message that the octets are; None if it does not answer this query, or is none at all."""
        try:
            message = copy(
                _read(octets[2:]) if len(octets) <= LARGEST_KEPT else _read.__wrapped__(octets[2:])
            )
        except dns.message.Truncated as error:
            message = error.message()  # type: ignore[no-untyped-call]
        except (dns.exception.DNSException, ValueError):
            return None
        message.id = int.from_bytes(octets[:2], "big")
        return message if self.message.is_response(message) else None

    def ask_again(self, response: dns.message.Message) -> bool:
        """Whether the query is to be sent again, once more as it is and then without OPT: it is made so. A
        server that has another answer to the latter is remembered, until an answer of it has OPT."""
        if self.message.edns >= 0 and response.rcode() in NO_EDNS:
            self._refused += 1
            self.message = _message(self.query, edns=self._refused < TRIES_WITH_EDNS)
            return True
        if response.edns >= 0:
            _WITHOUT_EDNS.discard(self.query.server)
        elif self._refused and response.rcode() not in NO_EDNS:
            _WITHOUT_EDNS.add(self.query.server)
        return False


def _message(query: Query, *, edns: bool) -> dns.message.Message:
    flags = (dns.flags.RD if query.recurse else 0) | (dns.flags.CD if query.unchecked else 0)
    if not edns:
        return dns.message.make_query(query.name, query.rdtype, use_edns=False, flags=flags)
    return dns.message.make_query(
        query.name, query.rdtype, use_edns=0, payload=UDP_PAYLOAD, want_dnssec=query.dnssec, flags=flags
    )


@lru_cache(maxsize=2048)
def _read(octets: bytes) -> dns.message.Message:
    """A message without its ID: all servers of a zone say the same, and to read it costs milliseconds."""
    return dns_message.parse(bytes(2) + octets, ignore_trailing=True, raise_on_truncation=True)
