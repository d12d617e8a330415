"""What the tests of readiness wait for, and what servers answer."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from dns01.hooks.challenge.readiness.check import ReadinessCheck, Target
from dns01.hooks.dns.address import Address
from dns01.hooks.dns.destination import Server
from dns01.hooks.dns.message import Query, Response
from dns01.providers.base import Profile

NAME = "_acme-challenge.example.org"
ONE, TWO = Address("127.1.0.1"), Address("127.1.0.2")
SIX = Address("fd53::12")
NS1, NS2 = Server("ns1.example.org", (ONE,)), Server("ns2.example.org", (TWO,))
SINGLE = Profile(rounds=1)


def target(
    *servers: Server, values: tuple[str, ...] = ("new",), profile: Profile = SINGLE, name: str = NAME
) -> Target:
    return Target(name, frozenset(values), servers or (NS1, NS2), profile)


def answer(*values: str, authoritative: bool = True, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Response:
    message = dns.message.make_response(dns.message.make_query(NAME, "TXT"))
    message.flags |= dns.flags.AA if authoritative else dns.flags.RA
    message.set_rcode(rcode)
    if values:
        message.answer.append(dns.rrset.from_text(NAME + ".", 60, "IN", "TXT", *values))
    return Response(message)


SILENCE = Response(None, "timed out")


def says(watch: ReadinessCheck, address: Address, what: Response, at: float, name: str = NAME) -> None:
    watch.saw(Query(address, name, dns.rdatatype.TXT), what, at)


# A few names for all


MANY = [f"_acme-challenge.n{number}.example.org" for number in range(100)]


def wave(names: list[str] = MANY, *servers: Server, profile: Profile = SINGLE) -> ReadinessCheck:
    return ReadinessCheck(
        [
            target(*(servers or (NS1,)), name=name, profile=profile)._replace(zone="example.org")
            for name in names
        ]
    )


def ask(check: ReadinessCheck, at: float, *values: str, second: str = "new") -> list[str]:
    """Let both servers answer all that they are asked at that moment, the first one with these values and
    the second one with its own; gives the names that the first was asked about."""
    queries = check.due(at)
    for query in queries:
        says(check, query.server, answer(*(values if query.server == ONE else [second])), at, query.name)
    return [query.name for query in queries if query.server == ONE]
