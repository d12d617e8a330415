"""Servers that have a zone, and leave unanswered what the resolvers of CAs ask: with EDNS and the flag DO."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from .....dns.address import Address
from .....dns.destination import Destination
from .....dns.inspect.faults import ServerFault
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import SOA, TXT, Query, Response
from .....dns.timing import Timing
from .....dns.transports.transport import Transport
from ...finding import Finding, Severity
from ..subjects.large_answers import steps
from .transports import see_what_drops

WITHOUT_EDNS = 1.0  # seconds for a question without it, where all others were in vain for five
WITHOUT_DNSSEC = 2.0  # seconds for the same question with DNSSEC and without
FAILURES = {"SERVFAIL", "REFUSED"}  # to FORMERR and NOTIMP, resolvers ask once more without EDNS

Hosts = Mapping[Address, str]


def with_do(delegation: Destination, timing: Timing) -> Finding | None:
    """Why none of the servers of a zone that is down answers as resolvers ask, where some answer if they are
    asked for less."""
    hosts = {address: server.name for server in delegation.servers for address in server.addresses}
    if lost := _lost(delegation, hosts, timing):
        return lost
    fails = any(word in delegation.trouble for word in FAILURES)
    return _failing(delegation, hosts, timing) if fails else None


# Nothing comes


def _lost(delegation: Destination, hosts: Hosts, timing: Timing) -> Finding | None:
    """What is asked with EDNS, with the flag DO, or for much, is lost: nobody goes without the two any longer
    (DNS flag day 2019)."""
    zone, target = delegation.zone, delegation.target
    forms = {
        "plain": [Query(each, zone, SOA, plain=True) for each in hosts],
        "edns": [Query(each, zone, SOA) for each in hosts],
        "do": [Query(each, zone, SOA, dnssec=True) for each in hosts],
        "refused": [Query(each, ".", SOA, dnssec=True) for each in hosts],  # in a few octets
        "small": [Query(each, target, SOA) for each in hosts],
    }
    for form in ("plain", "edns", "do"):  # of more questions at once, all would go over TCP
        forms[form] += [each._replace(stream=True) for each in forms[form]]
    with Transport(timing) as transport:
        answers = transport.ask([each for some in forms.values() for each in some], WITHOUT_EDNS)
    answering = {form: _answering(some, answers) for form, some in forms.items()}
    by_stream = {query.server for query, answer in answers.items() if query.stream and answer.message}
    if deaf := answering["edns"] - answering["do"] - answering["refused"]:
        return _dropped("do-dropped", "the flag DO (RFC 3225)", delegation, hosts, deaf, "+dnssec")
    if deaf := answering["plain"] - answering["edns"] - answering["do"]:
        return _dropped("edns-dropped", "EDNS (OPT, RFC 6891)", delegation, hosts, deaf, "+edns=0")
    small = answering["small"] - by_stream
    if small and "truncated" not in delegation.trouble:  # which says enough by itself
        return _large_lost(delegation, hosts, small)
    return None


def _answering(queries: Sequence[Query], answers: Mapping[Query, Response]) -> set[Address]:
    """The servers of which an answer came; one without EDNS has to be that of a server that has the zone."""
    return {
        query.server
        for query in queries
        if (answer := answers[query]).authoritative
        or answer.truncated
        or (answer.message and not query.plain)
    }


def _dropped(
    code: str, what: str, delegation: Destination, hosts: Hosts, deaf: Collection[Address], option: str
) -> Finding:
    zone, names = delegation.zone, _names(hosts, deaf)
    return Finding(
        code,
        Severity.ERROR,
        zone,
        f"no server of the zone {zone} answers a question that has {what}, over UDP or TCP, and {names} does "
        "without: the resolvers of CAs always ask with it",
        see_what_drops(what, names, zone, min(deaf), option),
    )


def _large_lost(delegation: Destination, hosts: Hosts, servers: Collection[Address]) -> Finding:
    zone, names, ip = delegation.zone, _names(hosts, servers), min(servers).ip
    return Finding(
        "large-lost",
        Severity.ERROR,
        zone,
        f"of {names}, small answers for {zone} arrive over UDP and larger ones do not, as those with the "
        "signatures of DNSSEC, which resolvers of CAs ask for; and TCP is closed",
        steps(names, zone, ip, f"SOA {delegation.target} +dnssec"),
    )


def _names(hosts: Hosts, some: Collection[Address]) -> str:
    return ", ".join(dict.fromkeys(hosts[address] for address in hosts if address in some))


# An error comes


def _failing(delegation: Destination, hosts: Hosts, timing: Timing) -> Finding | None:
    """Servers that fail where a question asks for signatures: always, or where it is about what is not
    there."""
    zone, missing = delegation.zone, f"dns01-doctor.{delegation.zone}"
    forms = {
        "always": [Query(each, zone, SOA) for each in hosts],
        "denials": [Query(each, missing, TXT) for each in hosts],
    }
    asked = [
        each._replace(dnssec=dnssec) for some in forms.values() for each in some for dnssec in (True, False)
    ]
    with Transport(timing) as transport:
        answers = transport.ask(asked, WITHOUT_DNSSEC)
    failing = {
        form: {
            query.server: answers[query._replace(dnssec=True)].summary
            for query in some
            if answers[query].authoritative and answers[query._replace(dnssec=True)].summary in FAILURES
        }
        for form, some in forms.items()
    }
    if failing["always"]:
        return _do_fails(zone, failing["always"])
    return _denials_fail(zone, missing, sorted(failing["denials"])) if failing["denials"] else None


def only_with_do(survey: ZoneSurvey, faults: Iterable[ServerFault]) -> Iterator[tuple[ServerFault, Finding]]:
    """The faults of servers that answer a question without the flag DO, and what to say of them instead: they
    have the zone. Resolvers try another server, as long as there is one."""
    failing = [fault for fault in faults if fault.kind in ("fails", "refuses")]
    queries = [Query(server.address, survey.apex, SOA) for fault in failing for server in fault.answers]
    if not queries:
        return
    with Transport() as transport:
        answers = transport.ask(queries, WITHOUT_DNSSEC)
    having = {query.server for query, answer in answers.items() if answer.authoritative}
    for fault in failing:
        words = {server.address: server.soa_response.summary for server in fault.answers}
        if words.keys() <= having:
            finding = _do_fails(survey.apex, words)
            yield (
                fault,
                finding._replace(code="do-fails-partly", severity=Severity.WARNING, subject=fault.host),
            )


def _do_fails(zone: str, failing: Mapping[Address, str]) -> Finding:
    servers = sorted(failing)
    return Finding(
        "do-fails",
        Severity.ERROR,
        zone,
        f"{', '.join(map(str, servers))} answers for {zone}, and says {failing[servers[0]]} to any question "
        "that asks for signatures (flag DO), for its SOA too: the resolvers of CAs always ask so",
        (
            "bring its software up to date, or see what is before it (a load balancer, a firewall): a server "
            "without DNSSEC ignores the flag DO (RFC 3225 §3), and signing the zone again mends nothing",
            f"see for yourself: dig SOA {zone} +norec +dnssec @{servers[0].ip}, and the same without +dnssec",
        ),
    )


def _denials_fail(zone: str, missing: str, servers: Sequence[Address]) -> Finding:
    return Finding(
        "denials-fail",
        Severity.ERROR,
        zone,
        f"{', '.join(map(str, servers))} has {zone}, and answers SERVFAIL where a question with DNSSEC (flag "
        "DO) is about what is not there: it cannot make the proof (NSEC, NSEC3), and CAs want it",
        (
            f"put its order of names right: pdnsutil rectify-zone {zone} (PowerDNS; api-rectify=yes, or "
            f"pdnsutil set-meta {zone} API-RECTIFY 1, has its API do that), or sign it again: "
            f"rndc sign {zone} (BIND), knotc zone-sign {zone} (Knot)",
            f"see for yourself: dig TXT {missing} +norec +dnssec @{servers[0].ip}, and without +dnssec",
        ),
    )
