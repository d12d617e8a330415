"""The name servers of every zone on the way: are all of them there, and do they agree?"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator

from ....dns.inspect.survey import Look, Survey
from ..finding import Examined, Finding, Severity
from ._zones import surveys

LONG = 3600  # seconds that a resolver keeps a "no" before an order had better wait for it
NEIGHBOURS = {4: 24, 6: 48}  # the prefix that one site is given: what fails in it fails together


def check(examined: Examined) -> Iterator[Finding]:
    """Everything that is wrong with the servers of the zones that the challenge depends on."""
    for survey in surveys(examined):
        yield from findings(survey)


def findings(survey: Survey) -> Iterator[Finding]:
    """Everything that is wrong with the servers of one zone."""
    yield from _ns_mismatch(survey)
    yield from _ns_cname(survey)
    yield from _ns_without_address(survey)
    if not survey.intercepted:  # else it is not they who answer
        yield from _lame(survey)
    blocked = list(_blocked(survey))
    codes = {finding.code for finding in blocked}
    yield from _silent(survey, codes)
    yield from _one_transport(survey, codes)
    yield from blocked
    yield from _single_network(survey)
    yield from _stale(survey)
    yield from _long_negative_ttl(survey)


def _ns_mismatch(survey: Survey) -> Iterator[Finding]:
    own = survey.newest.hosts if survey.newest else ()
    if not own or set(own) == set(survey.delegated):
        return
    sides = {"at its parent": {*survey.delegated} - {*own}, "in the zone": {*own} - {*survey.delegated}}
    alone = [f"{', '.join(sorted(hosts))} only {where}" for where, hosts in sides.items() if hosts]
    yield Finding(
        "ns-mismatch",
        Severity.WARNING,
        survey.apex,
        f"{survey.apex} is delegated to other name servers than it names itself: {', '.join(alone)}",
        (
            f"decide which servers {survey.apex} is to have, and see that all of them serve it",
            f"give the registrar, or whoever runs the parent zone, these: {', '.join(own)}",
            f"or change the zone's own NS records to: {', '.join(survey.delegated)}",
        ),
    )


def _ns_cname(survey: Survey) -> Iterator[Finding]:
    for host, target in survey.aliases.items():
        yield Finding(
            "ns-cname",
            Severity.WARNING,
            host,
            f"the name server {host} of {survey.apex} is a CNAME, to {target}: many resolvers do not "
            "follow it (RFC 2181 §10.3)",
            (
                f"name the server itself, at the parent and in the zone: {survey.apex}. NS {target}.",
                f"or give {host} addresses of its own (A, AAAA) in place of the CNAME",
            ),
        )


def _ns_without_address(survey: Survey) -> Iterator[Finding]:
    for host in survey.homeless:
        yield Finding(
            "ns-without-address",
            Severity.WARNING,
            host,
            f"the name server {host} of {survey.apex} has no address",
            (
                f"give {host} its A or AAAA record, and glue at the parent where it is in the zone",
                _or_drop(survey, host),
            ),
        )


def _lame(survey: Survey) -> Iterator[Finding]:
    for host, looks in _by_host(survey, lambda look: look.lame):
        yield Finding(
            "lame-server",
            Severity.WARNING,
            host,
            f"the name server {host} does not serve {survey.apex}: {_said(looks)}",
            (
                f"add the zone {survey.apex} to {host} (dig SOA {survey.apex} +norec @{looks[0].address.ip} "
                "is to show the flag aa)",
                _or_drop(survey, host),
            ),
        )


def _silent(survey: Survey, blocked: Container[str]) -> Iterator[Finding]:
    """A dead IPv6 address beside a live IPv4 one is a case of its own: mostly a forgotten record."""
    for host, looks in _by_host(survey, lambda look: look.silent):
        dead = ", ".join(look.address.ip for look in looks)
        alive = any(look.host == host and not look.silent for look in survey.looks)
        six = all(":" in look.address.ip for look in looks)
        if not (alive and six):
            yield Finding(
                "silent-server",
                Severity.WARNING,
                host,
                f"the name server {host} of {survey.apex} does not answer at {dead}, over UDP or TCP",
                (
                    "see whether it runs, and whether a firewall lets port 53 through: "
                    f"dig SOA {survey.apex} +norec @{looks[0].address.ip}",
                    f"or remove the address from {host}" if alive else _or_drop(survey, host),
                ),
            )
        elif "ipv6-blocked" not in blocked:
            yield Finding(
                "dead-ipv6",
                Severity.WARNING,
                host,
                f"the name server {host} of {survey.apex} does not answer over IPv6, at {dead}",
                (
                    f"mend its IPv6: dig -6 SOA {survey.apex} +norec @{looks[0].address.ip}",
                    f"or remove the AAAA record of {host}, and its glue at the parent",
                ),
            )


def _one_transport(survey: Survey, blocked: Container[str]) -> Iterator[Finding]:
    """RFC 7766 §5: both are required."""
    faults = {
        "TCP": lambda look: not look.silent and look.stream.message is None,
        "UDP": lambda look: not look.silent and look.soa.message is None,
    }
    for way, fault in faults.items():
        if f"{way.lower()}-blocked" in blocked:
            continue
        for host, looks in _by_host(survey, fault):
            option = " +tcp" if way == "TCP" else ""
            yield Finding(
                f"no-{way.lower()}",
                Severity.WARNING,
                host,
                f"the name server {host} of {survey.apex} does not answer over {way}, at {_addresses(looks)}",
                (
                    f"let {way} port 53 through to {host}: "
                    f"dig{option} SOA {survey.apex} +norec @{looks[0].address.ip}",
                ),
            )


def _blocked(survey: Survey) -> Iterator[Finding]:
    """What goes through to none of several servers ends near to us, and is not for them to mend."""
    speaking = [look for look in survey.looks if not look.silent]
    ways = {
        "IPv6": [(look, not look.silent) for look in survey.looks if ":" in look.address.ip],
        "TCP": [(look, look.stream.message is not None) for look in speaking],
        "UDP": [(look, look.soa.message is not None) for look in speaking],
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


def _single_network(survey: Survey) -> Iterator[Finding]:
    """RFC 2182 §3.1. Of one server there is nothing to say that its owner does not know, and of
    addresses that are not the internet's nothing at all."""
    addresses = [ipaddress.ip_address(look.address.ip) for look in survey.looks]
    networks = {ipaddress.ip_network((ip, NEIGHBOURS[ip.version]), strict=False) for ip in addresses}
    several = len({look.host for look in survey.looks}) > 1
    if several and len(networks) == 1 and all(ip.is_global for ip in addresses):
        yield Finding(
            "single-network",
            Severity.NOTE,
            survey.apex,
            f"all name servers of {survey.apex} are in one network, {networks.pop()}: they fail together",
            ("have a secondary elsewhere (RFC 2182 §3.1)",),
        )


def _stale(survey: Survey) -> Iterator[Finding]:
    newest = survey.newest
    if not survey.behind or newest is None:
        return
    for host, looks in _grouped(survey.behind):
        serials = ", ".join(f"{look.address} has {look.serial}" for look in looks)
        yield Finding(
            "stale-secondary",
            Severity.WARNING,
            host,
            f"the name server {host} has an old copy of {survey.apex}: {serials}, "
            f"{newest} serial {newest.serial}",
            (
                f"see in the log of {host} why the zone transfer fails: allow-transfer and the TSIG key at "
                "the primary, TCP port 53 between the two",
                "see that the primary notifies it (also-notify), and have it fetch the zone: "
                f"rndc retransfer {survey.apex}",
            ),
        )


def _long_negative_ttl(survey: Survey) -> Iterator[Finding]:
    """RFC 2308 §5: the lesser of the SOA's TTL and its last figure."""
    newest = survey.newest
    if newest is None or newest.authority is None or newest.heard.message is None:
        return
    ttl = min(newest.heard.message.answer[0].ttl, newest.authority.minimum)
    if ttl > LONG:
        yield Finding(
            "long-negative-ttl",
            Severity.NOTE,
            survey.apex,
            f'resolvers keep the "no" of {survey.apex} for {ttl} s: whoever asks for a challenge too early '
            "spoils it for so long",
            (f"lower the last figure of the SOA record of {survey.apex} to {LONG} or less",),
        )


def _by_host(survey: Survey, fault: Callable[[Look], bool]) -> Iterator[tuple[str, list[Look]]]:
    """The addresses with the fault, host by host."""
    return _grouped(look for look in survey.looks if fault(look))


def _grouped(looks: Iterable[Look]) -> Iterator[tuple[str, list[Look]]]:
    hosts: dict[str, list[Look]] = defaultdict(list)
    for look in looks:
        hosts[look.host].append(look)
    yield from hosts.items()


def _said(looks: Iterable[Look]) -> str:
    return ", ".join(f"{look.address} says {look.heard.words}" for look in looks)


def _addresses(looks: Iterable[Look]) -> str:
    return ", ".join(str(look.address) for look in looks)


def _or_drop(survey: Survey, host: str) -> str:
    return f"or remove {host} from the NS records of {survey.apex}, at the parent and in the zone"
