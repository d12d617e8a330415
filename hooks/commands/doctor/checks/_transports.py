"""Servers that are not heard, or by one way alone: silence, UDP, TCP, IPv6, large answers, closed ports."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from ....dns.inspect.survey import Look, Survey
from ..finding import Finding, Severity
from ._server_names import ips, located, looks_by_host, or_drop

SEVERAL = 3  # servers with the same thing wrong, beyond which they have one finding together


def silent(survey: Survey, blocked: Container[str], explained: Container[str]) -> Iterator[Finding]:
    """A dead IPv6 address beside a live IPv4 one is a case of its own: mostly a forgotten record."""
    dead: dict[str, list[Look]] = {}
    for host, looks in looks_by_host(survey, lambda look: look.silent and look.address.ip not in explained):
        alive = any(look.host == host and not look.silent for look in survey.looks)
        if alive and all(":" in look.address.ip for look in looks):
            if "ipv6-blocked" not in blocked:
                yield _dead_ipv6(survey, host, looks)
        else:
            dead[host] = looks
    if len(dead) > SEVERAL:
        yield _many_silent(survey, dead)
        return
    for host, looks in dead.items():
        alive = any(look.host == host and not look.silent for look in survey.looks)
        yield Finding(
            "silent-server",
            Severity.WARNING,
            host,
            f"the name server {host} of {survey.apex} does not answer at {ips(looks)}, over UDP or TCP",
            (
                "see whether it runs, and whether a firewall lets port 53 through: "
                f"dig SOA {survey.apex} +norec @{looks[0].address.ip}",
                f"or remove the address from {host}" if alive else or_drop(survey, host),
            ),
        )


def _many_silent(survey: Survey, dead: Mapping[str, Sequence[Look]]) -> Finding:
    shown = ", ".join(f"{host} ({ips(looks)})" for host, looks in dead.items())
    first = next(iter(dead.values()))[0]
    return Finding(
        "silent-server",
        Severity.WARNING,
        survey.apex,
        f"{len(dead)} of {len(survey.servers)} name servers of {survey.apex} do not answer, over UDP or TCP: "
        f"{shown}",
        (
            "see whether they run, and whether a firewall lets port 53 through: "
            f"dig SOA {survey.apex} +norec @{first.address.ip}",
            f"or remove them from the NS records of {survey.apex}, at the parent and in the zone",
        ),
    )


def _dead_ipv6(survey: Survey, host: str, looks: Sequence[Look]) -> Finding:
    return Finding(
        "dead-ipv6",
        Severity.WARNING,
        host,
        f"the name server {host} of {survey.apex} does not answer over IPv6, at {ips(looks)}",
        (
            f"mend its IPv6: dig -6 SOA {survey.apex} +norec @{looks[0].address.ip}",
            f"or remove the AAAA record of {host}, and its glue at the parent",
        ),
    )


def one_transport(survey: Survey, blocked: Container[str]) -> Iterator[Finding]:
    """RFC 7766 §5: both are required."""
    faults = {
        "TCP": lambda look: not look.silent and look.stream.message is None,
        "UDP": lambda look: not look.silent and not look.udp,
    }
    for way, fault in faults.items():
        if f"{way.lower()}-blocked" in blocked:
            continue
        for host, looks in looks_by_host(survey, fault):
            option = " +tcp" if way == "TCP" else ""
            yield Finding(
                f"no-{way.lower()}",
                Severity.WARNING,
                host,
                f"the name server {host} of {survey.apex} does not answer over {way}, at {located(looks)}",
                (
                    f"let {way} port 53 through to {host}: "
                    f"dig{option} SOA {survey.apex} +norec @{looks[0].address.ip}",
                ),
            )


def large_udp(survey: Survey) -> Iterator[Finding]:
    """Small datagrams come, larger ones vanish: fragments or EDNS are dropped on the way."""
    for host, looks in looks_by_host(survey, lambda look: look.udp and bool(look.lost)):
        kinds = ", ".join(sorted(looks[0].lost))
        yield Finding(
            "large-udp-lost",
            Severity.WARNING,
            host,
            f"answers of the name server {host} of {survey.apex} of more than 512 octets are lost over "
            f"UDP ({kinds}), and come over TCP alone: resolvers have to find that out at each question",
            (
                "let datagrams of 1232 octets through (a firewall that still limits DNS to 512, or drops "
                f"EDNS): dig DNSKEY {survey.apex} +norec +dnssec +notcp +ignore @{looks[0].address.ip}",
                "in BIND: edns-udp-size 1232; max-udp-size 1232;",
            ),
        )


def blocked_ports(survey: Survey) -> Iterator[Finding]:
    """What goes through to none of several servers ends near to us, and is not for them to mend."""
    speaking = [look for look in survey.looks if not look.silent]
    ways = {
        "IPv6": [(look, not look.silent) for look in survey.looks if ":" in look.address.ip],
        "TCP": [(look, look.stream.message is not None) for look in speaking],
        "UDP": [(look, look.udp) for look in speaking],
    }
    for way, tried in ways.items():
        several = len({look.host for look, _ in tried}) > 1
        if speaking and several and not any(through for _, through in tried):
            yield Finding(
                f"{way.lower()}-blocked",
                Severity.NOTE if way == "IPv6" else Severity.WARNING,
                survey.apex,
                f"no name server of {survey.apex} answers over {way}, though they do otherwise: {way} is "
                "blocked nearer to this machine than to them",
                (f"let {way} through to port 53 from this machine, or look from another one",),
            )
