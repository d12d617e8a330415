"""DNS messages as they come from a network, and the names in them."""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.message
import dns.name

SHELLS_OWN = {ord(each): f"\\{ord(each):03}" for each in "`'|&<>!{}[]?~#^"}


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


def text(name: dns.name.Name) -> str:
    """The name in lower case and without the trailing dot; the root is "".

    What a shell would act on is an octet's number in it, too (RFC 1035 §5.1): anybody may have a CNAME or
    an NS record lead to any name, and it stands in commands that are there to be pasted.
    """
    if name == dns.name.root:
        return ""
    return name.to_text(omit_final_dot=True).lower().translate(SHELLS_OWN)
