"""What a CA asks, asked of every server: does each of them answer, with authority, in whatever case?

A server that has the zone may still let questions of a type that it does not know vanish, refuse them, or
have a firewall before it that does. A CA's resolver comes to each of the servers, by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdatatype import CAA, SOA, TXT, RdataType

from .....dns.address import Address
from .....dns.inspect.faults import ServerFault, listed
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey, recheck_turns
from .....dns.message import Response, alias_of, apex_of, referral_to, text
from ...finding import Examined, Finding, Severity
from ...wording import hosts_of, the_server
from ..name_servers.underscores import denying, refusing, underscore_refused
from ..subjects.account_copy import account_copies
from ..subjects.answers import Answers, asking, dropping, questions, too_large
from ..subjects.large_answers import is_large, large_lost, losing_large
from ..subjects.zones import zone_of
from ..zone_copies.faults import REPORTS, apex_cname
from .denied_above import denied_above

Fault = Literal["dropped", "large", "truncated", "error", "no-authority", "no-soa"]


class _Unanswered(NamedTuple):
    """One question, and the servers that have the same thing wrong with their answers to it."""

    name: str
    rdtype: RdataType
    fault: Fault
    answers: tuple[ServerAnswers, ...]
    summary: str

    @property
    def kind(self) -> str:
        return dns.rdatatype.to_text(self.rdtype)


def check(examined: Examined) -> Iterator[Finding]:
    """Servers that answer for the zone, and not what a CA asks of it."""
    if examined.settings.nameservers_for(examined.name):
        return
    asked = {question: zone_of(examined, question[0]) for question in dict.fromkeys(questions(examined))}
    zones = {zone.apex: zone for zone in asked.values() if zone is not None and not zone.intercepted}
    cases = {apex: asking(examined, zone, mixed(apex), SOA) for apex, zone in zones.items()}
    waiting = [
        (zone, *question, asking(examined, zone, *question))
        for question, zone in asked.items()
        if zone is not None and zone.apex in zones
    ]
    serials = {apex: defaultdict[Address, set[int]](set) for apex in zones}
    for zone, name, rdtype, answers in waiting:
        certain = _certain(examined, zone, name, rdtype, answers.result())
        yield from _findings(examined, zone, name, rdtype, certain)
        for address, serial in _serials(zone.apex, certain):
            serials[zone.apex][address].add(serial)
    yield from _underscores(examined, zones, [name for name, rdtype in asked if rdtype == TXT])
    for apex, answers in cases.items():
        zone = zones[apex]
        certain = _certain(examined, zone, mixed(apex), SOA, answers.result())
        yield from _of_case(zone, certain)
        for address, serial in _serials(apex, certain):
            serials[apex][address].add(serial)
    for apex, seen in serials.items():
        yield from _by_turns(zones[apex], recheck_turns(zones[apex], seen, examined.discovery.timing))
    yield from denied_above(examined)


def _certain(examined: Examined, zone: ZoneSurvey, name: str, rdtype: RdataType, answers: Answers) -> Answers:
    """The answers without those that are missing for another reason than what was asked."""
    missing = [
        server
        for server in zone.answers
        if server.authority
        and (answer := answers.get(server.address))
        and not (answer.message or answer.truncated)
    ]
    if not missing:
        return answers
    vanished = {server.address for server in missing} - dropping(examined, zone, name, rdtype, missing)
    return {address: answer for address, answer in answers.items() if address not in vanished}


# Several machines at one address


def _serials(apex: str, answers: Answers) -> Iterator[tuple[Address, int]]:
    """The serial of the zone stands in a "no", too (RFC 2308 §3): each answer tells of the machine that
    has given it, without a question more."""
    for address, answer in answers.items():
        if answer.message and answer.authoritative:
            for rrset in (*answer.message.answer, *answer.message.authority):
                if rrset.rdtype == SOA and text(rrset.name) == apex:
                    yield address, rrset[0].serial


def _by_turns(survey: ZoneSurvey, servers: Sequence[ServerAnswers]) -> Iterator[Finding]:
    found = survey._replace(behind=(*survey.behind, *servers))
    if servers:
        yield REPORTS["stale"](found, ServerFault("stale", hosts_of(servers), tuple(servers)))


# Types


def _findings(
    examined: Examined, survey: ZoneSurvey, name: str, rdtype: RdataType, answers: Answers
) -> Iterator[Finding]:
    explained = losing_large(survey)  # of which the check of the servers tells
    serving = [
        server
        for server in survey.answers
        if server.authority and server.address in answers and server not in explained
    ]
    by_fault: dict[tuple[Fault, str], list[ServerAnswers]] = {}
    for server in serving:
        answer = answers[server.address]
        if name == survey.apex and answer.message and (target := alias_of(answer.message, name)):
            yield apex_cname(survey, str(server), target, Severity.WARNING)
            return
        if fault := _fault(answer, survey.apex, name):
            by_fault.setdefault((fault, answer.summary), []).append(server)
    if filtered := _filtered(examined, survey, name, by_fault):
        yield filtered
        return
    if is_large(answers.values()):
        dropped = [each for (fault, _), some in by_fault.items() if fault == "dropped" for each in some]
        if lost := [server for server in dropped if server.stream.message is None]:
            kind = dns.rdatatype.to_text(rdtype)
            yield large_lost(survey.apex, lost, f"{kind} {name}", f"that to {kind} at {name}", nobody=False)
            by_fault = {key: [each for each in some if each not in lost] for key, some in by_fault.items()}
            by_fault = {key: some for key, some in by_fault.items() if some}
    by_fault = _by_size(examined, name, rdtype, by_fault)
    nobody = sum(map(len, by_fault.values())) == sum(1 for server in survey.answers if server.authority)
    if nobody and rdtype == CAA and not any(fault == "no-soa" for fault, _ in by_fault):
        return  # which the check of CAA says
    for (fault, words), servers in by_fault.items():
        yield _unanswered(survey, _Unanswered(name, rdtype, fault, tuple(servers), words), nobody=nobody)


def _filtered(
    examined: Examined,
    survey: ZoneSurvey,
    name: str,
    by_fault: Mapping[tuple[Fault, str], Sequence[ServerAnswers]],
) -> Finding | None:
    """Servers that answer nothing about names with an underscore. Who denies them is waited for."""
    servers = {server.address: server for some in by_fault.values() for server in some}
    if not servers or not name.startswith("_"):
        return None
    refused = refusing(examined.discovery, survey.apex, servers)
    if not refused or refused.keys() < servers.keys():
        return None
    denied = any(answer.authoritative for answer in refused.values())
    severity = Severity.ERROR if denied else Severity.WARNING
    return underscore_refused(
        survey.apex, name, hosts_of(servers.values()), sorted(refused.items()), severity
    )


def _underscores(
    examined: Examined, zones: Mapping[str, ZoneSurvey], names: Sequence[str]
) -> Iterator[Finding]:
    """The same of servers that deny them, in each zone that a name of the way with an underscore is in."""
    own = account_copies(examined).only
    some = {zone.apex for each in names if each.startswith("_") and (zone := zone_of(examined, each))}
    for apex in some & zones.keys():
        yield from denying(examined, zones[apex], own if own and own.zone == apex else None)


def _by_size(
    examined: Examined, name: str, rdtype: RdataType, by_fault: dict[tuple[Fault, str], list[ServerAnswers]]
) -> dict[tuple[Fault, str], list[ServerAnswers]]:
    """Of what vanishes, it is told apart what vanishes because it is large."""
    found: dict[tuple[Fault, str], list[ServerAnswers]] = {}
    for (fault, words), servers in by_fault.items():
        large = too_large(examined, name, rdtype, servers) if fault == "dropped" else set()
        for server in servers:
            kind: Fault = "large" if server.address in large else fault
            found.setdefault((kind, words), []).append(server)
    return found


def _fault(answer: Response, apex: str, name: str) -> Fault | None:
    message = answer.message
    if message is None:
        return "truncated" if answer.truncated else "dropped"
    if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return "error"
    if referral_to(message, apex, name) is not None:
        return None
    if not answer.authoritative:
        return "no-authority"
    return None if message.answer or apex_of(message) else "no-soa"


def _unanswered(survey: ZoneSurvey, fault: _Unanswered, *, nobody: bool) -> Finding:
    """Resolvers try another server, as long as there is one; what lacks its SOA, they may or may not take."""
    hosts = ", ".join(dict.fromkeys(server.host for server in fault.answers))
    return Finding(
        f"{fault.kind.lower()}-unanswered",
        Severity.ERROR if nobody and fault.fault not in ("no-soa", "large") else Severity.WARNING,
        fault.name,
        f"the name server {listed(fault.answers)} of {survey.apex} {_said(fault)} {fault.kind} at "
        f"{fault.name}, which a CA asks",
        (*steps(fault.fault, fault.kind, hosts), f"see for yourself: {_dig(fault)}"),
    )


def _said(fault: _Unanswered) -> str:
    return {
        "dropped": "answers for it, but never to questions for",
        "large": "answers for it, but what has more than 512 octets is lost over UDP, as its answer to",
        "truncated": "truncates over UDP, and is closed over TCP, when it is asked for",
        "error": f"says {fault.summary} to questions for",
        "no-authority": f"answers without authority ({fault.summary}) to questions for",
        "no-soa": 'gives its "no" without the SOA that belongs beside it (RFC 2308 §3) to questions for',
    }[fault.fault]


def steps(fault: Fault, kind: str, hosts: str) -> Sequence[str]:
    """What to do where servers have that wrong with their answers to questions of a type."""
    newer = (
        f"or bring the software of {hosts} up to date: to a type that a name has not, the answer is NOERROR"
    )
    match fault:
        case "dropped":
            return (f"see which firewall or load balancer before {hosts} drops questions for {kind}", newer)
        case "large":
            return (
                f"let datagrams of 1232 octets through to and from {hosts} (a firewall that still limits DNS "
                "to 512, or drops fragments)",
                "and remove what stands at the name for nothing, as old values do",
            )
        case "truncated":
            return (f"let TCP port 53 through to {hosts}",)
        case "error":
            return (f"see in the log of {hosts} why it fails at {kind}", newer)
        case "no-authority" | "no-soa":
            return (
                f"see what answers in the place of {hosts}: a load balancer or cache is no name server",
                newer,
            )


def _dig(fault: _Unanswered) -> str:
    transport = " +tcp" if fault.fault == "truncated" else ""
    return f"dig{transport} {fault.kind} {fault.name} +norec @{fault.answers[0].address.ip}"


# Upper and lower case


def mixed(name: str) -> str:
    """The name in alternating case: resolvers choose one by chance, against forgers (0x20)."""
    return "".join(letter.upper() if place % 2 == 0 else letter for place, letter in enumerate(name))


def _of_case(survey: ZoneSurvey, answers: Answers) -> Iterator[Finding]:
    serving = [server for server in survey.answers if server.authority and server.address in answers]
    by_words: dict[str, list[ServerAnswers]] = {}
    for server in serving:
        if words := _case_fault(answers[server.address], survey.apex):
            by_words.setdefault(words, []).append(server)
    nobody = sum(map(len, by_words.values())) == sum(1 for server in survey.answers if server.authority)
    for words, servers in by_words.items():
        if words == _REWRITTEN:
            yield _rewritten(survey, servers)
        else:
            yield _case(survey, words, servers, nobody=nobody)


_REWRITTEN = "writes it in other letters"
_DENIED = "denies that it exists"


def _case_fault(answer: Response, apex: str) -> str:
    message = answer.message
    if message is None:
        return "does not answer"
    if not answer.authoritative:
        return f"says {answer.summary}"
    if not message.answer:
        return _DENIED
    asked = [question.name.labels for question in message.question]
    return "" if asked == [dns.name.from_text(mixed(apex)).labels] else _REWRITTEN


def _case(survey: ZoneSurvey, words: str, servers: Sequence[ServerAnswers], *, nobody: bool) -> Finding:
    """A denial is believed at once; for anything else resolvers try another server, or try without."""
    hosts = hosts_of(servers)
    severe = words == _DENIED or nobody
    return Finding(
        "case-unkept",
        Severity.ERROR if severe else Severity.WARNING,
        survey.apex,
        f"the name server {listed(servers)} takes upper and lower case for different: asked for "
        f"{mixed(survey.apex)}, it {words}, and resolvers of CAs ask so (0x20)",
        (
            f"have {hosts} compare names without regard to case, and copy the question as it is (RFC 4343): "
            "mostly it is a script, a database with a collation of its own, or a load balancer that does not",
            f"see for yourself: dig SOA {mixed(survey.apex)} +norec @{servers[0].address.ip}",
        ),
    )


def _rewritten(survey: ZoneSurvey, servers: Sequence[ServerAnswers]) -> Finding:
    """It knows the name; but the question in its answer is not that which was asked, octet by octet."""
    hosts = hosts_of(servers)
    return Finding(
        "case-unkept",
        Severity.WARNING,
        survey.apex,
        f"{the_server(hosts)} does not copy the question into its answer as it is: asked for "
        f"{mixed(survey.apex)} at {listed(servers)}, it {_REWRITTEN}; resolvers of CAs that ask so (0x20) "
        "take that for a forger's answer, and ask once more",
        (
            f"see what is before {hosts}, or in it, that changes names to small letters (a load balancer, a "
            "proxy, a backend of one's own), and have it leave the question as it came (RFC 5452 §9.1)",
            f"see for yourself, in the QUESTION SECTION: dig SOA {mixed(survey.apex)} +norec "
            f"@{servers[0].address.ip}",
        ),
    )
