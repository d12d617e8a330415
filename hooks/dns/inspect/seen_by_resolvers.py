"""What resolvers, which ask from elsewhere, see of a zone, held against what its servers show here.

They are asked for the SOA of the zone and of the one above it, which exist. Of a resolver's cache it is
made sure before a serial counts, by a name that nobody has asked for: its "no" comes with the SOA of now (RFC
2308 §3). Not so in a signed zone, where such a "no" would deny the names around it as well (RFC 8198).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import dns.message
import dns.rcode
from dns.rdatatype import SOA, TXT
from dns.serial import Serial

from ..address import Address
from ..message import Query, Response, text
from ..timing import USUAL, Timing
from ..transports.transport import Transport
from .zone_survey import ZoneSurvey

TIMEOUT = 4.2  # seconds: a datagram that is lost is sent again after 2, and TCP tried after 4
FRESH_NAME = 2.5  # seconds for a name that has to be looked up
RUNS = 1.2  # seconds in which the TTL of what is kept has become less


class Seen(NamedTuple):
    """What one resolver says of a zone: its SOA, the same unvalidated (CD), and the SOA of the zone above."""

    resolver: Address
    soa: Response
    unchecked: Response
    above: Response

    @property
    def unanswered(self) -> bool:
        """Whether it finds no answer for this zone, and does for the one above."""
        refusing = _rcode(self.soa) in (None, dns.rcode.SERVFAIL, dns.rcode.REFUSED)
        unvalidated = _rcode(self.unchecked) in (None, dns.rcode.SERVFAIL, dns.rcode.REFUSED)
        return refusing and unvalidated and _rcode(self.above) == dns.rcode.NOERROR


class OtherZone(NamedTuple):
    """A zone of that name that a resolver sees, and no server shows here; ``serial``: that of its SOA."""

    resolver: Address
    serial: int


def ask_resolvers(resolvers: Iterable[Address], apex: str, timing: Timing = USUAL) -> tuple[Seen, ...]:
    """What each of them says of the zone now."""
    above = apex.partition(".")[2] or "."
    queries = {
        each: (
            Query(each, apex, SOA, recurse=True),
            Query(each, apex, SOA, recurse=True, unchecked=True),
            Query(each, above, SOA, recurse=True),
        )
        for each in resolvers
    }
    with Transport(timing) as transport:
        answers = transport.ask([each for some in queries.values() for each in some], TIMEOUT)
    return tuple(Seen(each, *(answers[query] for query in some)) for each, some in queries.items())


def other_zones(
    seen: Iterable[Seen],
    survey: ZoneSurvey,
    timing: Timing = USUAL,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[OtherZone, ...]:
    """The zones that are no copy of what all servers show here, before and after; servers that differ from
    each other are no measure."""
    shown = {server.serial for server in survey.answers if server.authority}
    if len(shown) != 1 or None in shown:
        return ()
    (serial,) = (each for each in shown if each is not None)
    differing = [each for each in seen if (_serial(each.soa, survey.apex) or serial) != serial]
    found = [
        OtherZone(each.resolver, fresh)
        for each in differing
        if (fresh := _fresh_serial(each, survey, serial, timing, sleep)) is not None
    ]
    now = _serials_now(survey, timing) if found else set()
    return tuple(each for each in found if each.serial != serial and now == {serial})


def _fresh_serial(
    seen: Seen, survey: ZoneSurvey, serial: int, timing: Timing, sleep: Callable[[float], None]
) -> int | None:
    """The serial that the resolver sees, whatever its cache has; None where that cannot be told."""
    theirs = _serial(seen.soa, survey.apex)
    if theirs is None or Serial(theirs) > Serial(serial):  # which no cache can have
        return theirs
    if survey.ds is None:
        name = f"dns01-doctor-{secrets.token_hex(4)}.{survey.apex}"
        return _serial(_ask(Query(seen.resolver, name, TXT, recurse=True), timing), survey.apex)
    # One that has just been fetched has all of its TTL, and does not keep it.
    whole = max((_ttl(server.soa_response) for server in survey.answers if server.authority), default=0)
    if _ttl(seen.soa) < whole - 1:
        return None
    sleep(RUNS)
    later = _ask(Query(seen.resolver, survey.apex, SOA, recurse=True), timing)
    return theirs if _serial(later, survey.apex) == theirs and _ttl(later) < whole else None


def _serials_now(survey: ZoneSurvey, timing: Timing) -> set[int | None]:
    addresses = [server.address for server in survey.answers if server.authority]
    with Transport(timing) as transport:
        queries = [Query(each, survey.apex, SOA) for each in addresses]
        answers = transport.ask(queries, timing.view)
    return {_serial(answer, survey.apex) for answer in answers.values()}


def _ask(query: Query, timing: Timing) -> Response:
    with Transport(timing) as transport:
        return transport.ask([query], FRESH_NAME)[query]


def _serial(answer: Response, apex: str) -> int | None:
    """That of the zone's SOA, in an answer or beside a "no"."""
    message = answer.message
    for rrset in (*message.answer, *message.authority) if message else ():
        if rrset.rdtype == SOA and text(rrset.name) == apex:
            return int(rrset[0].serial)
    return None


def _ttl(answer: Response) -> int:
    rrsets = answer.message.answer if answer.message else []
    return max((rrset.ttl for rrset in rrsets if rrset.rdtype == SOA), default=0)


def _rcode(answer: Response) -> dns.rcode.Rcode | None:
    return answer.message.rcode() if answer.message else None
