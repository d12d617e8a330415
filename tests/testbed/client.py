"""An independent client: dnspython alone."""

from __future__ import annotations

import dns.message
import dns.query

from .process import TIME_LIMIT


def ask(
    name: str, type: str, address: str, *, over: str = "udp", payload: int | None = 1232
) -> dns.message.Message:
    """The answer of whoever listens there; ``payload=None``: asked without EDNS.

    ``values(ask("www.example.org", "A", "127.1.0.1")) == ["192.0.2.1"]``
    """
    query = dns.message.make_query(name, type, use_edns=False if payload is None else 0, payload=payload)
    send = dns.query.tcp if over == "tcp" else dns.query.udp
    return send(query, address, timeout=TIME_LIMIT)


def values(response: dns.message.Message) -> list[str]:
    """The answer section, without owners and TTLs."""
    return sorted(rdata.to_text() for rrset in response.answer for rdata in rrset)
