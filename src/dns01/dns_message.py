"""DNS messages as they come from a network."""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.message


def parse(octets: bytes, **options: Any) -> dns.message.Message:
    """``dns.message.from_wire``, with its options and errors, from which a signal gets through.

    dnspython makes a FormError of whatever is raised while it reads RDATA (dns.exception.ExceptionWrapper),
    also of what the handler of a signal raises: SIGTERM would end in a server that talks nonsense.
    """
    try:
        return dns.message.from_wire(octets, **options)
    except dns.exception.DNSException as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, Exception):
            raise
    raise cause
