"""When the CA says no: its reason, and beside it what the world sees at that moment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .... import output
from ...caa import issuers
from ...clients.ca_rate_limits import limit
from ...clients.call import Call
from ...clients.challenge import owner_name
from ...clients.process import ClientProcess
from ...config.load import load_settings
from ...config.settings import Settings
from ...state.journal import Entry, Journal
from .cause import Cause
from .likeliest_cause import find_cause, within

SECONDS = 10.0  # that all of it may take
ABOUT_DNS = ("unauthorized", "dns", "incorrectResponse", "connection")  # RFC 8555 §6.7
IDENTIFIER = re.compile(
    r"(?<![\w.@/:-])(?:\*\.)?(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+(?![\w/@-]|\.\w)", re.IGNORECASE
)
AUDIT = "`dns01 audit` shows what was published, and when"


def show(call: Call, client: ClientProcess | None, journal: Journal, environ: Mapping[str, str]) -> None:
    """Say why the CA refuses, ask every name server concerned once more, and name the likeliest
    cause. Raises nothing: the phase has failed already."""
    output.failure(f"{call.client_phase}: {call.problem}", limit(call.problem) or AUDIT)
    for lines, cause in within(SECONDS, lambda: list(_found(call, client, journal, environ))) or ():
        output.table(lines)
        output.failure(f"the likeliest cause: {cause.description}", cause.remedy)


def _found(
    call: Call, client: ClientProcess | None, journal: Journal, environ: Mapping[str, str]
) -> Iterator[tuple[list[str], Cause]]:
    entries = _concerned(call, client, journal)
    settings = load_settings(environ)
    if _is(call, "caa"):
        names = [*_identifiers(call.problem), *(entry.domain for entry in entries)]
        yield from _caa(list(dict.fromkeys(names)), client, settings, environ)
    elif entries and (call.phase != "refused" or any(_is(call, kind) for kind in ABOUT_DNS)):
        # A client asks its CA when the hook has seen the records everywhere; not so where resolvers decide.
        was_ready = settings.readiness_for(entries[0].target) != "resolvers"
        lines, cause = find_cause(entries, settings, was_ready=was_ready)
        domains = ", ".join(dict.fromkeys(entry.domain for entry in entries))
        yield [f"for {domains}:", *lines], cause


def _concerned(call: Call, client: ClientProcess | None, journal: Journal) -> Sequence[Entry]:
    """The entries of the challenges that failed: dehydrated names another domain than theirs, and
    the token alone tells. Where an order is refused, those that this client has open."""
    if call.challenges:
        return [entry for entries in journal.find(call.challenges).values() for entry in entries]
    return journal.of(client) if client else []


def _caa(
    names: Sequence[str], client: ClientProcess | None, settings: Settings, environ: Mapping[str, str]
) -> Iterator[tuple[list[str], Cause]]:
    from ...caa import evaluation
    from ...caa.preflight import Lookups
    from ..placement import Placements

    issuer = issuers.issuer_of(settings.ca, settings.ca_account, issuers.of_call(environ, client))
    places = Placements(settings)
    for discovery, some in places.names_by_discovery(map(owner_name, names)).items():
        domains = [name for name in names if owner_name(name) in some]
        lookups = Lookups(discovery, domains)
        for domain in domains:
            verdict = evaluation.check(domain, issuer, lookups)
            if verdict.reason:
                yield [], Cause("caa", f"{domain}: {verdict.reason}", "; ".join(verdict.remedy))


def _identifiers(problem: str) -> list[str]:
    """The domain names in the CA's words; its problem types are no names, nor are URLs."""
    return [name.lower() for name in IDENTIFIER.findall(problem)]


def _is(call: Call, kind: str) -> bool:
    return f"urn:ietf:params:acme:error:{kind}" in call.problem
