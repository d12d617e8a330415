"""The public resolvers' word, asked for last: would a CA's own resolver see the record?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import dns.edns
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from ..errors import NotReady
from .dnswire import Wire
from .question import TXT, Address, Answer, Question

PUBLIC = 60.0  # seconds that public resolvers are worth waiting for
UNREACHABLE = 2.0  # seconds for all public resolvers that do not answer
LOOK = 0.25  # seconds between two looks at what is due
STRICT_HINT = 'wait, or set readiness = "public" to go on with a warning'


def ask_resolvers(
    names: Mapping[str, frozenset[str]],
    resolvers: Sequence[Address],
    *,
    strict: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Ask public resolvers for names that are ready, until they have them (READINESS, step 12).

    A "no" is waited out for as long as the resolver will keep it, where that is within ``PUBLIC``
    seconds of the beginning. Gives the warnings. Raises NotReady for a DNSSEC failure, which every
    validating CA would meet as well, and with ``strict`` instead of a warning.
    """
    due = {Question(resolver, name, TXT, recurse=True): 0.0 for resolver in resolvers for name in names}
    flying: set[Question] = set()
    heard: set[Address] = set()
    complaints: dict[str, None] = {}  # in their order, each once
    began = clock()
    with Wire() as wire:
        while due:
            now = clock() - began
            if now >= UNREACHABLE:
                due = {question: at for question, at in due.items() if question.server in heard}
            ripe = [question for question, at in due.items() if at <= now and question not in flying]
            flying.update(ripe)
            wire.send(ripe)
            for question, answer in wire.collect(LOOK):
                flying.discard(question)
                if question not in due:
                    continue
                heard.add(question.server)
                again = clock() - began + max(1.0, _kept_for(answer))
                if _sees(answer, names[question.name], strict):
                    del due[question]
                elif complaint := _complaint(question, answer, again):
                    del due[question]
                    complaints[complaint] = None
                else:
                    due[question] = again
    silent = [str(resolver) for resolver in resolvers if resolver not in heard]
    if silent:
        complaints[f"no answer from {', '.join(silent)}: not asked any further"] = None
    if strict and complaints:
        raise NotReady("; ".join(complaints), STRICT_HINT)
    return list(complaints)


def _sees(answer: Answer, wanted: frozenset[str], strict: bool) -> bool:
    """Whether the resolver is content. Other values in the place of ours are what it was asked for
    by an earlier order, likely one of ours: it does reach the zone, and only ``strict`` minds."""
    values = answer.texts
    return wanted <= values or (bool(values) and not strict)


def _complaint(question: Question, answer: Answer, again: float) -> str:
    """Why there is no sense in asking ``again`` (seconds from the beginning), or nothing.

    Raises NotReady where the resolver blames DNSSEC (RFC 8914 §4.7 to §4.13).
    """
    if answer.message is None:
        return f"the resolver {question.server} cannot be asked: {answer.words}"
    errors = [option for option in answer.message.options if isinstance(option, dns.edns.EDEOption)]
    said = "; ".join(
        f"{option.code.name.replace('_', ' ').lower()}{f' ({option.text})' if option.text else ''}"
        for option in errors
    )
    if answer.message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        words = f"{question.server} answers {answer.words} for {question.name}{f': {said}' if said else ''}"
        if any(6 <= option.code <= 12 for option in errors):
            raise NotReady(
                words, "DNSSEC is broken there: mend DS, DNSKEY and signatures; a CA would refuse as well"
            )
        return words
    if again > PUBLIC:
        kept = f"for {_kept_for(answer):.0f} s more"
        return f'the resolver {question.server} keeps a "no" for {question.name} {kept}'
    return ""


def _kept_for(answer: Answer) -> float:
    """Seconds that a resolver keeps this answer: a negative one for as long as the SOA in it
    says (RFC 2308 §5)."""
    if answer.message is None:
        return 0.0
    ttls = [rrset.ttl for rrset in answer.message.answer]
    ttls += [
        min(rrset.ttl, rrset[0].minimum)
        for rrset in answer.message.authority
        if rrset.rdtype == dns.rdatatype.SOA and rrset.rdclass == dns.rdataclass.IN
    ]
    return float(min(ttls, default=0))
