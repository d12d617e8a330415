"""Public resolvers are asked last of all whether they see the record, as a CA's own resolver would."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

import dns.edns
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from ....errors import NotReady
from ...dns.address import Address
from ...dns.message import TXT, Query, Response
from ...dns.negative_ttl import seconds_kept
from ...dns.transports.transport import Transport

NEGATIVE_TTL_LIMIT = 60.0  # seconds that public resolvers are worth waiting for
FIRST_RESPONSE_TIMEOUT = 2.0  # seconds for all public resolvers that do not answer
POLL_INTERVAL = 0.25  # seconds between two looks at what is due
STRICT_HINT = 'wait, or set readiness = "public" to go on with a warning'
DNSSEC_ERRORS = {
    *range(6, 13),
    25,
}  # of the Extended DNS Errors, those that are the zone's fault (RFC 8914 §4)


def ask_resolvers(
    names: Mapping[str, frozenset[str]],
    resolvers: Sequence[Address],
    *,
    strict: bool = False,
    view: Callable[[Address, str], str] = lambda resolver, name: "",
    clock: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Ask public resolvers for names that are ready, until they have them.

    A "no" is waited out for as long as the resolver will keep it, where that is within ``NEGATIVE_TTL_LIMIT``
    seconds of the beginning; ``view`` may know why it will never become a yes. Gives the warnings.
    Raises NotReady for a DNSSEC failure, which every validating CA would meet as well, and with
    ``strict`` instead of a warning.
    """
    due = {Query(resolver, name, TXT, recurse=True): 0.0 for resolver in resolvers for name in names}
    in_flight: set[Query] = set()
    responding: set[Address] = set()
    failed: set[Query] = set()
    complaints: dict[str, None] = {}  # in their order, each once
    began = clock()
    with Transport() as transport:
        while due:
            now = clock() - began
            if now >= FIRST_RESPONSE_TIMEOUT:
                due = {query: at for query, at in due.items() if query.server in responding}
            ready_to_send = [query for query, at in due.items() if at <= now and query not in in_flight]
            in_flight.update(ready_to_send)
            transport.send(ready_to_send)
            for query, answer in transport.collect(POLL_INTERVAL):
                in_flight.discard(query)
                if due.pop(query, None) is None:
                    continue
                responding.add(query.server)
                again = clock() - began + max(1.0, seconds_kept(answer))
                if _sees(answer, names[query.name], strict):
                    continue
                if complaint := _complaint(query, answer, again, view):
                    complaints[complaint] = None
                    if _fails(answer):
                        failed.add(query)
                else:
                    due[query] = again
    check_validation(failed)
    silent = [str(resolver) for resolver in resolvers if resolver not in responding]
    if silent:
        complaints[f"no answer from {', '.join(silent)}: not asked any further"] = None
    if strict and complaints:
        raise NotReady("; ".join(complaints), STRICT_HINT)
    return list(complaints)


def check_dnssec(resolver: object, name: str, answer: Response) -> None:
    """Raises NotReady where the resolver blames DNSSEC in an Extended DNS Error."""
    if _fails(answer) and any(error.code in DNSSEC_ERRORS for error in _extended_errors(answer)):
        raise _bogus(f"{resolver} answers {what_fails(answer)} for {name}", name)


def check_validation(failed: Collection[Query]) -> None:
    """Raises NotReady where a resolver that answered SERVFAIL does so once more, and yet has an answer
    when it is told not to validate (CD=1): one that has no Extended DNS Errors to say it with."""
    unchecked = {query: query._replace(unchecked=True) for query in failed}
    with Transport() as transport:
        answers = transport.ask([*unchecked, *unchecked.values()], FIRST_RESPONSE_TIMEOUT)
    for query, same in unchecked.items():
        if _fails(answers[query]) and _answered(answers[same]):
            server, name = query.server, query.name
            raise _bogus(f"{server} answers SERVFAIL for {name}, but not if it is told not to validate", name)


def what_fails(answer: Response) -> str:
    """The error of a resolver's answer, and the Extended DNS Errors in it, on one line."""
    if answer.message is None:
        return answer.problem
    errors = "; ".join(error.to_text() for error in _extended_errors(answer))  # control characters escaped
    return dns.rcode.to_text(answer.message.rcode()) + (f", {errors}" if errors else "")


def _sees(answer: Response, wanted: frozenset[str], strict: bool) -> bool:
    """Whether the resolver is content. Other values in the place of ours are what it was asked for
    by an earlier order, likely one of ours: it does reach the zone, and only ``strict`` minds."""
    values = answer.texts
    return wanted <= values or (bool(values) and not strict)


def _complaint(query: Query, answer: Response, again: float, view: Callable[[Address, str], str]) -> str:
    """Why there is no sense in asking ``again`` (seconds from the beginning), or nothing.

    Raises NotReady where the resolver blames DNSSEC.
    """
    if answer.message is None:
        return f"the resolver {query.server} cannot be asked: {answer.problem}"
    check_dnssec(query.server, query.name, answer)
    if not _answered(answer):
        return f"{query.server} answers {what_fails(answer)} for {query.name}"
    if differs := view(query.server, query.name):
        return differs
    if again > NEGATIVE_TTL_LIMIT:
        kept = f"for {seconds_kept(answer):.0f} s more"
        return f'the resolver {query.server} keeps a "no" for {query.name} {kept}'
    return ""


def _answered(answer: Response) -> bool:
    """Whether the resolver knows, be it that there is nothing."""
    return answer.message is not None and answer.message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


def _fails(answer: Response) -> bool:
    return answer.message is not None and answer.message.rcode() == dns.rcode.SERVFAIL


def _extended_errors(answer: Response) -> list[dns.edns.EDEOption]:
    """RFC 8914."""
    options = answer.message.options if answer.message is not None else ()
    return [option for option in options if isinstance(option, dns.edns.EDEOption)]


def _bogus(words: str, name: str) -> NotReady:
    return NotReady(
        words,
        "DNSSEC is broken there, and a CA would refuse as well: mend DS, DNSKEY and signatures "
        f"(`delv {name} TXT` shows which; until then, have the DS taken from the parent zone)",
    )
