"""Servers whose copy of a zone is not what it should be: what is wrong with each, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dns.serial import Serial

from .....dns.address import Address
from .....dns.inspect.faults import Kind, ServerFault, copy_at, listed, primary_addresses, retransfer
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.zone_survey import ZoneSurvey
from .....dns.message import alias_of, apex_of, referral_to, text
from ...finding import Finding, Severity
from ...wording import (
    address_type,
    answers,
    hosts_of,
    ips,
    located,
    make_secondary,
    or_drop,
    the_server,
    write_as_above,
)
from ..subjects.account_copy import AccountCopy, names

THOSE_THAT_HAVE_IT = "the name servers that have its zone"


def together(survey: ZoneSurvey, faults: Iterable[ServerFault]) -> list[ServerFault]:
    """The servers that have the same thing wrong with them in one fault, with all their names."""
    found: dict[tuple[Kind, object], list[ServerAnswers]] = {}
    for fault in faults:
        found.setdefault((fault.kind, _particular(survey, fault)), []).extend(fault.answers)
    return [ServerFault(kind, hosts_of(servers), tuple(servers)) for (kind, _), servers in found.items()]


def _particular(survey: ZoneSurvey, fault: ServerFault) -> object:
    """In what a fault is told apart from others of its kind."""
    match fault.kind:
        case "foreign" | "primary":
            return copy_at(fault.answers[0]).mname
        case "lame":
            return any(_refers_to_itself(server, survey.apex) for server in fault.answers)
        case "stale":
            behind = {server.address: server for server in survey.behind}
            if any(behind.get(server.address, server).uneven for server in fault.answers):
                return "uneven"
            mine = {
                server.address for server in survey.answers if server.host == fault.host and server.authority
            }
            return fault.host if mine - behind.keys() else ""
    return ""


def _lame(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    ip = fault.answers[0].address.ip
    refers = fault.kind == "lame" and any(_refers_to_itself(server, survey.apex) for server in fault.answers)
    return Finding(
        "lame-server",
        Severity.ERROR if refers else Severity.WARNING,
        fault.host,
        f"{the_server(fault.host)} does not serve {survey.apex}: {answers(fault.answers)}"
        + (" (a resolver or forwarder, by its flag RA)" if fault.kind == "resolver" else "")
        + (f": it delegates {survey.apex}, to itself, and resolvers take that for a no" if refers else ""),
        (
            f"add the zone {survey.apex} to {fault.host} (dig SOA {survey.apex} +norec @{ip} "
            "is to show the flag aa)",
            *(
                [
                    "or, if it has the zone, let everybody ask it (BIND: allow-query { any; };)",
                    f"or, if it is a secondary (PowerDNS) that has fetched nothing yet, mend the transfer: "
                    f"pdns_control retrieve {survey.apex}",
                ]
                if fault.kind == "refuses"
                else []
            ),
            or_drop(survey, fault.host),
        ),
    )


def _refers_to_itself(server: ServerAnswers, apex: str) -> bool:
    """Whether it is a server of the zone above, and leads who asks it about this one back to the same
    servers: unbound takes that for an answer without records."""
    found = referral_to(server.soa_response.message, "", apex) if server.soa_response.message else None
    return found is not None and text(found.name) == apex


def _apex_cname(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    message = fault.answers[0].soa_response.message
    target = alias_of(message, survey.apex) if message else ""
    return apex_cname(survey, listed(fault.answers), target, Severity.ERROR)


def apex_cname(survey: ZoneSurvey, where: str, target: str, severity: Severity) -> Finding:
    """A CNAME where the SOA and NS of a zone are (RFC 1912 §2.4)."""
    return Finding(
        "apex-cname",
        severity,
        survey.apex,
        f"{survey.apex} itself is a CNAME, to {target}, at {where}: beside the SOA and NS of a zone there "
        "can be none, and it hides them",
        (
            f"remove the CNAME of {survey.apex}, and give it the addresses of {target} (A, AAAA), or what "
            "the provider has for that (ALIAS, ANAME, flattening)",
        ),
    )


def _fails(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    ip = fault.answers[0].address.ip
    return Finding(
        "server-fails",
        Severity.WARNING,
        fault.host,
        f"{the_server(fault.host)} has no usable copy of {survey.apex} ({answers(fault.answers)}): it is a "
        "secondary whose copy has expired or never came, or its zone file does not load",
        (
            f"mend the zone transfer: see why in the log of {fault.host} (allow-transfer and the TSIG key at "
            f"the primary, TCP port 53 between the two), then: {retransfer(survey.apex)}",
            f"if {fault.host} is the primary, check its file: named-checkzone {survey.apex} FILE",
            f"see for yourself: dig SOA {survey.apex} +norec @{ip}",
        ),
    )


def _parent(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    ip = fault.answers[0].address.ip
    return Finding(
        "parent-answers",
        Severity.ERROR,
        fault.host,
        f"{the_server(fault.host)} has no zone {survey.apex}, and answers for it from the zone above "
        f"({listed(fault.answers)}): with authority, so that the record is waited for there in vain",
        (
            f"add the zone {survey.apex} to {fault.host}, as a secondary of its primary",
            or_drop(survey, fault.host),
            f"see for yourself: dig SOA {survey.apex} +norec @{ip} names another zone",
        ),
    )


def _parked(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    where = {server.address: server for server in fault.answers}
    everybody = {server.address for server in survey.answers if not server.silent} <= where.keys()
    server = fault.answers[0]
    zone = apex_of(server.soa_response.message) if server.soa_response.message else ""
    words = f"answers from {zone}" if zone and zone != survey.apex else "has no SOA of it"
    stay = () if everybody else (host for host in survey.delegated if host not in fault.host.split(", "))
    return parked(
        survey.apex, fault.host, f"{words}, at {located(fault.answers)}", server.address, tuple(stay)
    )


def parked(apex: str, hosts: str, words: str, address: Address, stay: Sequence[str] = ()) -> Finding:
    """Servers that answer with authority, and not for the zone. ``words``: from what that shows; ``stay``:
    the name servers that have it."""
    dig = f"see for yourself: dig SOA {apex} +norec @{address.ip}"
    if stay:
        steps: tuple[str, ...] = (
            f"at the registrar, or in the zone above, take {hosts} out of the name servers of {apex}; these "
            f"stay: {names(stay)}",
            f"or add the zone {apex} to {hosts}",
        )
    else:
        steps = (
            f"see whether the registration of {apex} has run out (whois {apex}), and renew it: the "
            "registrar, or the hoster, parks such domains",
            f"if not, have {apex} delegated (at the registrar, or in the zone above) to {THOSE_THAT_HAVE_IT}",
        )
    return Finding(
        "zone-parked",
        Severity.ERROR,
        hosts,
        f"{the_server(hosts)} does not serve {apex}, and answers with authority all the same: it {words}; so "
        "do servers of parked domains, and load balancers that know addresses alone: a record is waited for "
        "there in vain",
        (*steps, dig),
    )


def naming(finding: Finding, account: AccountCopy | None) -> Finding:
    """The same with the name servers that the account's copy of the zone has."""
    hosts = account.copy.hosts if account else ()
    those_named = f"{THOSE_THAT_HAVE_IT}: {names(hosts)}"
    return finding._replace(
        remedy=tuple(
            step.replace(THOSE_THAT_HAVE_IT, those_named if hosts else THOSE_THAT_HAVE_IT)
            for step in finding.remedy
        )
    )


def _foreign(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    copy = copy_at(fault.answers[0])
    others = [host for host in survey.delegated if host not in fault.host.split(", ")]
    own = {host for each in survey.answers if each.authority for host in copy_at(each).hosts}
    missing = sorted(own.difference(survey.delegated, *(copy_at(each).hosts for each in fault.answers)))
    return Finding(
        "foreign-copy",
        Severity.ERROR,
        fault.host,
        f"{the_server(fault.host)} has another zone {survey.apex} than the others, and speaks for it: "
        f"the primary is {copy.mname}, the name servers are {names(copy.hosts)} (an old hoster's, or the "
        "registrar's parking)",
        (
            f"at the registrar, take {fault.host} out of the name servers of {survey.apex}; these stay: "
            f"{names(others)}"
            + (f"; these, which the zone itself names, come in: {names(missing)}" if missing else ""),
            f"compare: dig SOA {survey.apex} +norec @{fault.answers[0].address.ip}",
        ),
    )


def _primary(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    server = fault.answers[0]
    copy = copy_at(server)
    steps = [make_secondary(survey, fault.host), or_drop(survey, fault.host)]
    if set(survey.delegated).isdisjoint(fault.host.split(", ")):  # as a former hoster's are
        steps = [write_as_above(survey), f"or {steps[0]}"]
    return Finding(
        "two-primaries",
        Severity.ERROR,
        fault.host,
        f"{the_server(fault.host)} has {survey.apex} as a primary of its own ({copy.mname}, serial "
        f"{server.serial}): what the account publishes never gets there",
        tuple(steps),
    )


def _stale(survey: ZoneSurvey, fault: ServerFault) -> Finding:
    apex, host = survey.apex, fault.host
    behind = {each.address: each for each in survey.behind}
    late = [behind.get(server.address, server) for server in fault.answers]
    newest = survey.newest
    newer = newest if newest and any(each.address not in behind for each in survey.answers) else None
    known = f"; {newer} has {newer.serial}" if newer else "; the primary has a newer one"
    fetch = retransfer(apex)
    steps: tuple[str, ...] = (
        f"see in the log of {host} why the zone transfer fails: allow-transfer and the TSIG key at "
        "the primary, TCP port 53 between the two; or from where it fetches: `primaries` (BIND), `master` "
        "(Knot, PowerDNS) may still be a former one",
        f"see that the primary notifies it (also-notify), and have it fetch the zone: {fetch}",
        f"or, if the zone is a primary of its own there, {make_secondary(survey, host)}",
        or_drop(survey, host) if newer else "or, if they fetch it from another server, use an account there",
    )
    uneven = [server for server in late if server.uneven]
    current = [server for server in survey.answers if server.host in host.split(", ") and server.authority]
    current = [server for server in current if server.address not in behind]
    if uneven:
        known = f" by turns with a newer one{known}: several machines answer there (anycast, a load balancer)"
        steps = (
            f"find the machine that has {uneven[0].serial}: dig +nsid SOA {apex} +norec "
            f"@{uneven[0].address.ip}, several times, and have it fetch the zone: {fetch}",
            steps[0],
            "or, where several are primaries of their own, make all but one secondaries of that",
        )
    elif current:
        wrong = "; ".join(f"{host}. {address_type(server.address.ip)} {server.address.ip}" for server in late)
        steps = (
            f"if {ips(late)} is another machine than {ips(current)}: remove its record, in the zone and at "
            f"the registrar (glue): {wrong}",
            f"or have {host} fetch the zone there too: {fetch}",
        )
    return Finding(
        "stale-secondary",
        Severity.ERROR,
        host,
        f"{the_server(host)} has an old copy of {apex}: serial "
        + ", ".join(f"{server.serial} at {server.address}" for server in late)
        + f"{known}; a record is waited for there until the time-out",
        steps,
    )


def serial_went_back(survey: ZoneSurvey, account: AccountCopy | None) -> Finding:
    """The finding about a primary whose serial is less than that of the copies made from it (RFC 1982)."""
    apart = (
        account is not None and not account.server and account.apex.serial is not None
    )  # an API's database
    primaries = set() if apart else primary_addresses(survey, account.copy if account else None)
    primary = next((server for server in survey.answers if server.address.ip in primaries), None)
    late = [server for server in survey.answers if server.authority and server.address.ip not in primaries]
    highest = max((Serial(server.serial or 0) for server in late), default=Serial(0)).value
    mine = (primary.serial if primary else account.apex.serial if account else 0) or 0
    circle = "; they count in a circle (RFC 1982)" if mine > highest else ""
    return Finding(
        "serial-went-back",
        Severity.ERROR,
        primary.host if primary else survey.apex,
        f"the serial of {survey.apex} went back at its primary, {primary or 'the account'}: {mine} there, "
        f"{highest} at {listed(late)}, which fetch nothing until it is greater{circle}",
        (
            f"raise the SOA's serial at the primary above {highest}, for example to {(highest + 1) % 2**32}",
            f"or have each secondary fetch the zone as it is: {retransfer(survey.apex)}",
            *([] if primary else ["or, if they fetch it from another server, use an account there"]),
        ),
    )


REPORTS: dict[str, Callable[[ZoneSurvey, ServerFault], Finding]] = {
    "refuses": _lame,
    "resolver": _lame,
    "cname": _apex_cname,
    "lame": _lame,
    "fails": _fails,
    "parent": _parent,
    "parked": _parked,
    "foreign": _foreign,
    "primary": _primary,
    "stale": _stale,
}
