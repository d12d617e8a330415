"""Servers with a filter before them that lets no name through which begins with an underscore."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.message import TXT, Query, Response, apex_of
from .....dns.transports.transport import Transport
from ...finding import Finding, Severity
from .wording import the_server

WITHIN = 1.5  # seconds: such a server answers one of two questions at once
MISSING = "dns01-doctor"  # nobody has that name, nor the same with an underscore


def refusing(discovery: Discovery, apex: str, servers: Iterable[Address]) -> dict[Address, Response]:
    """What the servers say to a name with an underscore that say of any other that it is not there."""
    asked = {
        Query(server, f"{prefix}{MISSING}.{apex}", TXT, stream=stream): prefix
        for server in servers
        for prefix in ("", "_")
        for stream in (False, True)
    }
    with Transport(discovery.timing) as transport:
        answers = transport.ask(asked, WITHIN)
    good: dict[str, set[Address]] = {"": set(), "_": set()}
    for query, answer in answers.items():
        if answer.authoritative and answer.message and (answer.message.answer or apex_of(answer.message)):
            good[asked[query]].add(query.server)
    return {
        query.server: answer
        for query, answer in answers.items()
        if asked[query] and not query.stream and query.server in good[""] - good["_"]
    }


def underscore_refused(
    apex: str, name: str, hosts: str, answers: Sequence[tuple[Address, Response]], severity: Severity
) -> Finding:
    """The finding about the servers ``hosts``, of which ``answers`` has what they say to such a name."""
    shown = ", ".join(f"{address}: {answer.words}" for address, answer in answers)
    ip = answers[0][0].ip
    return Finding(
        "underscore-refused",
        severity,
        hosts,
        f"{the_server(hosts)} of {apex} answers questions about names, but not about those that begin with "
        f"an underscore ({shown}): no dns-01 challenge can be seen there",
        (
            f"see what filters names before {hosts} (a firewall that inspects DNS, a load balancer), and "
            f"have it let {name} through: the name of a TXT record may have an underscore (RFC 2181 §11)",
            f"compare: dig TXT _{MISSING}.{apex} +norec @{ip}, and the same with {MISSING}.{apex}",
        ),
    )
