"""Servers with a filter before them that lets no name through which begins with an underscore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .....dns.address import Address
from .....dns.cname_chain import Discovery
from .....dns.inspect.faults import copy_at
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import TXT, Query, Response, apex_of
from .....dns.transports.transport import Transport
from ...finding import Examined, Finding, Severity
from ...wording import hosts_of, the_server
from ..subjects.account_copy import AccountCopy
from ..subjects.answers import asking

WITHIN = 1.5  # seconds: such a server answers one of two questions at once
MISSING = "dns01-doctor"  # nobody has that name, nor the same with an underscore
USUAL = ("_dmarc", "_domainkey")  # that many zones have, and have for long


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
    shown = ", ".join(f"{address}: {answer.summary}" for address, answer in answers)
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


# Servers that say of such a name that it does not exist


def denying(examined: Examined, survey: ZoneSurvey, account: AccountCopy | None) -> Iterator[Finding]:
    """Servers that deny names with an underscore that are there. As long as no challenge is published, their
    "no" is the right answer to its name. Other names tell, at servers that have the same copy of the zone;
    and a wildcard, which makes every name exist that is not written out."""
    speaking = [server for server in survey.answers if server.authority]
    names = [f"{label}.{survey.apex}" for label in USUAL]
    asked = {name: asking(examined, survey, name, TXT) for name in names}
    hidden = _at_the_account(examined, survey, account, names)
    for name, future in asked.items():
        answers = future.result()
        denied = [
            server for server in speaking if server.address in answers and answers[server.address].denies
        ]
        having = [
            server for server in speaking if server.address in answers and _exists(answers[server.address])
        ]
        same = [server for server in denied if any(_same_copy(server, each) for each in having)]
        if same or (denied and name in hidden):
            where = str(having[0]) if same else hidden[name]
            yield _denied(
                survey, name, same or denied, f"{where} has it, with the same serial", Severity.ERROR
            )
            return
    yield from _beside_a_wildcard(examined, survey, speaking)


def _same_copy(one: ServerAnswers, other: ServerAnswers) -> bool:
    """Of one primary, and of one serial."""
    return (copy_at(one).mname, one.serial) == (copy_at(other).mname, other.serial)


def _exists(answer: Response) -> bool:
    return bool(answer.message and answer.authoritative and not answer.denies)


def _at_the_account(
    examined: Examined, survey: ZoneSurvey, account: AccountCopy | None, names: Sequence[str]
) -> dict[str, str]:
    """Which of the names the server has that takes the account's updates and is not public, and who that is;
    none, where its copy is another one."""
    public = {each.address.ip: each for each in survey.answers}
    newest = survey.newest
    if account is None or not account.server or account.server in public or newest is None:
        return {}
    if (account.copy.mname, account.copy.serial) != (copy_at(newest).mname, newest.serial):
        return {}
    server = account.host.addresses[0]
    with Transport(examined.discovery.timing) as transport:
        answers = transport.ask([Query(server, name, TXT) for name in names], WITHIN)
    return {query.name: account.label for query, answer in answers.items() if _exists(answer)}


def _beside_a_wildcard(
    examined: Examined, survey: ZoneSurvey, speaking: Sequence[ServerAnswers]
) -> Iterator[Finding]:
    """Software that has a wildcard not stand for such names would still show one that is written out."""
    missing, name = f"{MISSING}.{survey.apex}", f"_{MISSING}.{survey.apex}"
    plain = asking(examined, survey, missing, TXT).result()
    wild = [server for server in speaking if server.address in plain and _exists(plain[server.address])]
    if not wild:
        return
    answers = asking(examined, survey, name, TXT).result()
    if servers := [server for server in wild if server.address in answers and answers[server.address].denies]:
        words = f"the wildcard *.{survey.apex} answers for {missing}, and stands for this name as well"
        yield _denied(survey, name, servers, words, Severity.WARNING)


def _denied(
    survey: ZoneSurvey, name: str, servers: Sequence[ServerAnswers], words: str, severity: Severity
) -> Finding:
    hosts, ip = hosts_of(servers), servers[0].address.ip
    certain = severity is Severity.ERROR
    return Finding(
        "underscore-refused",
        severity,
        hosts,
        f"{the_server(hosts)} of {survey.apex} says that {name} does not exist (NXDOMAIN), and it does: "
        f"{words}; {'no' if certain else 'it may be that no'} name that begins with an underscore is let "
        "through there, as that of a dns-01 challenge",
        (
            f"see what filters names before {hosts} (a firewall that inspects DNS, a load balancer, the "
            "hoster's own rules), and have it let names with an underscore through (RFC 2181 §11)",
            *(
                []
                if certain
                else [f"see whether a record there is shown: dns01 doctor {survey.apex} --write"]
            ),
            f"compare: dig TXT {name} +norec @{ip}, and the same at the other servers"
            if certain
            else f"compare: dig TXT {name} +norec @{ip}, and the same with {MISSING}.{survey.apex}",
        ),
    )
