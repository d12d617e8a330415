"""Which servers of a zone limit the rate of their answers, asked once for all domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ......threads import in_background_once
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.inspect.response_rate import Limit, limiting
from .....dns.inspect.survey import Survey
from ...finding import Examined


def limits_of(examined: Examined, survey: Survey) -> Mapping[Address, Limit]:
    """What the servers that have answered over UDP before do with many questions at once."""
    before = examined.discovery.by_datagram
    speaking = tuple(
        look.address for look in survey.looks if look.authority and (look.udp or look.address in before)
    )
    return _limits(examined.discovery, survey.apex, speaking).result()


@in_background_once(256)
def _limits(discovery: Discovery, apex: str, servers: Sequence[Address]) -> Mapping[Address, Limit]:
    return limiting(servers, apex)
