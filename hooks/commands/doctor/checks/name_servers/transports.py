"""Servers that are not heard, or by one way alone: silence, UDP, TCP, IPv6, large answers, closed ports."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

from ......errors import DelegationError
from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.inspect.dnssec import trusted_keys
from .....dns.inspect.faults import listed
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import NS, SOA, TXT, A, Query
from .....dns.transports.transport import Transport
from ...finding import Finding, Severity
from ...wording import affected, hosts_of, ips, located, or_drop, the_server

ABOVE = 1.5  # seconds for the servers of the zone above
ONCE_MORE = 1.0  # seconds for answers that may have been lost by chance before
SEVERAL = 3  # of the servers of the zone above


def silent(survey: ZoneSurvey, blocked: Container[str], explained: Iterable[str]) -> Iterator[Finding]:
    """A dead IPv6 address beside a live IPv4 one is a case of its own: mostly a forgotten record; one
    that truncates is not dead, but its TCP is."""
    for hosts, servers in affected(survey, lambda server: server.silent and server.soa.truncated):
        yield _truncating(survey, hosts, servers)
        explained = [*explained, *(server.address.ip for server in servers)]
    mute = [server for server in survey.answers if server.silent and server.address.ip not in explained]
    alive = {server.host for server in survey.answers if not server.silent}
    mixed = {server.host for server in mute if ":" not in server.address.ip}
    ipv6 = [server for server in mute if server.host in alive - mixed]
    if ipv6 and "ipv6-blocked" not in blocked:
        yield _dead_ipv6(survey, hosts_of(ipv6), ipv6)
    for others in (
        [server for server in mute if server.host in alive & mixed],
        [server for server in mute if server.host not in alive],
    ):
        if others:
            yield _silent(survey, others, alive=others[0].host in alive)


def _silent(survey: ZoneSurvey, servers: Sequence[ServerAnswers], *, alive: bool) -> Finding:
    hosts = hosts_of(servers)
    number = len(hosts.split(", "))
    apex, late = survey.apex, "not answer in time, over UDP or TCP"
    if alive:
        words = f"{the_server(hosts)} of {apex} does {late}, at {ips(servers)}, and does at other addresses"
    elif number > 1:
        words = f"{number} of {len(survey.servers)} name servers of {apex} do {late}: {listed(servers)}"
    else:
        words = f"the name server {hosts} of {apex} does {late}, at {ips(servers)}"
    return Finding(
        "silent-server",
        Severity.WARNING,
        hosts,
        words,
        (
            "see whether it runs, or is too slow for whoever asks, and whether a firewall lets port 53 "
            f"through: dig +time=20 +tries=1 SOA {survey.apex} +norec @{servers[0].address.ip}",
            f"or remove the address from {hosts}" if alive else or_drop(survey, hosts),
        ),
    )


def _truncating(survey: ZoneSurvey, hosts: str, servers: Sequence[ServerAnswers]) -> Finding:
    return Finding(
        "no-tcp",
        Severity.WARNING,
        hosts,
        f"{the_server(hosts)} of {survey.apex} truncates its answers over UDP, and does not answer over "
        f"TCP, at {located(servers)}: nobody gets anything there",
        (
            f"let TCP port 53 through to {hosts}: dig +tcp SOA {survey.apex} +norec @{servers[0].address.ip}",
            or_drop(survey, hosts),
        ),
    )


def _dead_ipv6(survey: ZoneSurvey, hosts: str, servers: Sequence[ServerAnswers]) -> Finding:
    return Finding(
        "dead-ipv6",
        Severity.WARNING,
        hosts,
        f"{the_server(hosts)} of {survey.apex} does not answer over IPv6, at {ips(servers)}",
        (
            f"mend its IPv6: dig -6 SOA {survey.apex} +norec @{servers[0].address.ip}",
            f"or remove the AAAA record of {hosts}, and its glue at the parent",
        ),
    )


def answers_from_elsewhere(survey: ZoneSurvey, sources: Mapping[Address, str]) -> Iterator[Finding]:
    """Addresses whose UDP responses come from another one; ``sources``: which one, by address. Resolvers take
    another server, as long as there is one."""
    nobody = all(server.address in sources for server in survey.answers if not server.silent)
    for hosts, servers in affected(survey, lambda server: server.address in sources):
        asked = [server.address.ip for server in servers]
        shown = ", ".join(
            f"asked at {server.address.ip}, it is from {sources[server.address]}" for server in servers
        )
        yield Finding(
            "answers-from-elsewhere",
            Severity.ERROR if nobody else Severity.WARNING,
            hosts,
            f"the answers over UDP of {the_server(hosts)} of {survey.apex} come from another address "
            f"({shown}): everybody takes that for a forger's answer, and hears nothing",
            (
                "have it answer from the address that is asked (RFC 2181 §4.1): "
                f"listen-on {{ {'; '.join(asked)}; }}; (BIND), or mend the translation (NAT) before it",
                f"see for yourself: dig SOA {survey.apex} +norec @{asked[0]} tells of an unexpected source",
            ),
        )


def one_transport(
    survey: ZoneSurvey, blocked: Container[str], explained: Container[str]
) -> Iterator[Finding]:
    """RFC 7766 §5: both are required."""
    nobody = not any(server.udp for server in survey.answers)
    faults = {
        "TCP": lambda server: not server.silent and server.stream.message is None,
        "UDP": lambda server: not server.silent and not server.udp and server.address.ip not in explained,
    }
    for way, fault in faults.items():
        if f"{way.lower()}-blocked" in blocked:
            continue
        for hosts, servers in affected(survey, fault):
            option = " +tcp" if way == "TCP" else ""
            yield Finding(
                f"no-{way.lower()}",
                Severity.ERROR if way == "UDP" and nobody else Severity.WARNING,
                hosts,
                f"{the_server(hosts)} of {survey.apex} does not answer over {way}, at {located(servers)}"
                + (", and neither does any other: resolvers hear nothing" if way == "UDP" and nobody else ""),
                (
                    f"let {way} port 53 through to {hosts}: "
                    f"dig{option} SOA {survey.apex} +norec @{servers[0].address.ip}",
                ),
            )


def without_edns(survey: ZoneSurvey) -> Iterator[Finding]:
    """Firewalls of old drop what has an OPT record (RFC 6891); DNSSEC cannot do without it."""
    deaf = _unanswered_again([server.address for server in survey.answers if not server.edns], survey.apex)
    for hosts, servers in affected(survey, lambda server: server.address in deaf):
        yield Finding(
            "edns-dropped",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} answers no question that has EDNS over UDP, at "
            f"{located(servers)}: resolvers wait for it in vain each time, and some give up",
            see_what_drops("EDNS (OPT, RFC 6891)", hosts, survey.apex, servers[0].address, "+edns=0"),
        )


def without_signatures(survey: ZoneSurvey) -> Iterator[Finding]:
    """Resolvers that validate ask for signatures always (RFC 4035 §4.1), and so do those of CAs."""
    suspects = [
        server.address for server in survey.answers if server.udp and not server.do and not server.lost
    ]
    deaf = _unanswered_again(suspects, survey.apex, dnssec=True)
    for hosts, servers in affected(survey, lambda server: server.address in deaf):
        yield Finding(
            "do-dropped",
            Severity.WARNING,
            hosts,
            f"{the_server(hosts)} of {survey.apex} answers no question over UDP that asks for signatures "
            f"(flag DO), at {located(servers)}: the resolvers of CAs always do, and wait in vain each time",
            see_what_drops("the flag DO (RFC 3225)", hosts, survey.apex, servers[0].address, "+dnssec"),
        )


def _unanswered_again(addresses: Iterable[Address], zone: str, dnssec: bool = False) -> set[Address]:
    """Those that answer none of four more questions over UDP; the others lost theirs before by chance."""
    queries = [
        Query(address, zone, rdtype, dnssec=dnssec) for address in addresses for rdtype in (SOA, NS, TXT, A)
    ]
    if not queries:
        return set()
    with Transport() as transport:
        answers = transport.ask(queries, ONCE_MORE)
    answering = {query.server for query, answer in answers.items() if answer.message and not answer.fallback}
    return {query.server for query in queries} - answering


def see_what_drops(what: str, hosts: str, zone: str, address: Address, option: str) -> tuple[str, ...]:
    """What to do where questions with EDNS, or with that flag of it, are dropped."""
    return (
        f"see what drops {what}, a firewall in front of {hosts} mostly; compare: "
        f"dig SOA {zone} +norec {option} @{address.ip}, and the same with +noedns",
        f"or bring the software of {hosts} up to date: EDNS is of 1999",
    )


def large_udp(survey: ZoneSurvey) -> Iterator[Finding]:
    """Small datagrams come, larger ones vanish: fragments are dropped on the way. Where the zone is to be
    validated, and no server's keys come by datagram, a resolver gives up (seen with unbound, at 1232 octets;
    with 512 it hears of TCP)."""
    signed = trusted_keys(survey, time.time()) is not None
    keyless = signed and all("DNSKEY" in server.lost for server in survey.answers if server.authority)
    for hosts, servers in affected(survey, lambda server: server.udp and server.edns and bool(server.lost)):
        kinds = ", ".join(sorted(frozenset().union(*(server.lost for server in servers))))
        yield Finding(
            "large-udp-lost",
            Severity.ERROR if keyless else Severity.WARNING,
            hosts,
            f"answers of the name server {hosts} of {survey.apex} of more than 512 octets are lost over "
            f"UDP ({kinds}), and come over TCP alone: resolvers have to find that out at each question"
            + (", and give up before they have the zone's keys" if keyless else ""),
            (
                "let datagrams of 1232 octets through (a firewall that still limits DNS to 512): "
                f"dig DNSKEY {survey.apex} +norec +dnssec +notcp +ignore @{servers[0].address.ip}",
                "in BIND: edns-udp-size 1232; max-udp-size 1232;",
            ),
        )


def transports_above(discovery: Discovery, apex: str) -> set[str]:
    """By which of UDP and TCP the servers of the zone above it answer here."""
    above = apex.partition(".")[2]
    try:
        glue = discovery.cut(above).glue
    except DelegationError:
        return set()
    addresses = [address for those in glue.values() for address in those if ":" not in address.ip]
    asked = [
        Query(address, above, SOA, stream=way) for address in addresses[:SEVERAL] for way in (False, True)
    ]
    with Transport(discovery.timing) as transport:
        answers = transport.ask(asked, ABOVE)
    return {
        "TCP" if query.stream else "UDP"
        for query, answer in answers.items()
        if answer.message is not None and not answer.fallback
    }


def blocked_ports(
    survey: ZoneSurvey,
    working_above: Callable[[], Container[str]] = frozenset,
    explained: Container[str] = (),
) -> Iterator[Finding]:
    """What goes through to none of several servers, nor to those of the zone above (``working_above``: what
    does), ends near to us, and is not for them to mend. ``explained``: addresses known to be wrong."""
    speaking = [server for server in survey.answers if not server.silent]
    ipv6 = [server for server in survey.answers if ":" in server.address.ip]
    ways = {
        "IPv6": [(server, not server.silent) for server in ipv6 if server.address.ip not in explained],
        "TCP": [(server, server.stream.message is not None) for server in speaking],
        "UDP": [(server, server.udp) for server in speaking],
    }
    for way, tried in ways.items():
        several = len({server.host for server, _ in tried}) > 1
        nothing = speaking and several and not any(through for _, through in tried)
        if nothing and (way == "IPv6" or way not in working_above()):
            yield Finding(
                f"{way.lower()}-blocked",
                Severity.NOTE if way == "IPv6" else Severity.WARNING,
                survey.apex,
                f"no name server of {survey.apex} answers over {way}, though they do otherwise: {way} is "
                "blocked nearer to this machine than to them",
                (f"let {way} through to port 53 from this machine, or look from another one",),
            )
