"""What the world sees, at this moment, of records that should be there: for ``likeliest_cause``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ....errors import ConfigError, DelegationError
from ...config.settings import Settings
from ...config.validators import addresses
from ...dns.address import Address
from ...dns.cname_chain import Discovery
from ...dns.destination import Destination, Server
from ...dns.inspect.server_answers import NAMES, ServerAnswers, query_servers
from ...dns.inspect.zone_survey import ZoneSurvey, survey_zone
from ...dns.message import AAAA, A, Response, addresses_in, text
from ...state.journal import Entry


class Evidence(NamedTuple):
    """The published records of one zone, and what each of its name servers answers for them."""

    wanted: Mapping[str, frozenset[str]]  # the values that were published, by owner name
    apex: str  # of the zone that they were published in
    delegation: Destination  # where the first of their challenge names leads now
    survey: ZoneSurvey  # of the zone there
    primaries: tuple[ServerAnswers, ...]  # who takes the updates, and is not among the zone's name servers
    updated: tuple[Address, ...] = ()  # of the servers that the accounts send their updates to
    was_ready: bool = False  # every name server had the records, before the CA looked
    accounts: int = 1  # that the records were published through; several have servers of their own

    @property
    def having(self) -> tuple[ServerAnswers, ...]:
        """The servers that have all values."""
        return tuple(server for server in self.survey.answers if self.has(server))

    @property
    def lacking(self) -> tuple[ServerAnswers, ...]:
        """The servers that answer with authority, and lack a value."""
        return tuple(server for server in self.survey.answers if self.has(server) is False)

    @property
    def unauthoritative(self) -> tuple[ServerAnswers, ...]:
        """The servers that do not answer, or without authority."""
        return tuple(server for server in self.survey.answers if self.has(server) is None)

    def has(self, server: ServerAnswers) -> bool | None:
        """Whether a server has all values; None if it does not say."""
        if not all(server.texts[name].authoritative for name in self.wanted):
            return None
        return all(values <= server.texts[name].texts for name, values in self.wanted.items())

    def lines(self) -> Iterator[str]:
        """A line for each server and name: the values that it answers with, and its serial."""
        for name, values in self.wanted.items():
            for server in (*self.survey.answers, *self.primaries):
                serial = "" if server.serial is None else f", SOA serial {server.serial}"
                yield f"{name}: {server}: {_words(server.texts[name], values)}{serial}"


def gather_evidence(entries: Sequence[Entry], settings: Settings, *, was_ready: bool = False) -> Evidence:
    """Look at the first ``NAMES`` records of the first entry's zone, and at that zone. Nothing that
    was found out before is believed, but that they have been ready (``was_ready``).

    Raises DelegationError where nothing leads to a zone.
    """
    first = entries[0]
    wanted: dict[str, frozenset[str]] = defaultdict(frozenset)
    for entry in entries:
        if entry.zone == first.zone and (entry.target in wanted or len(wanted) < NAMES):
            wanted[entry.target] |= {entry.value}
    discovery = Discovery(settings.resolvers, timing=settings.timing)
    accounts = {entry.account for entry in entries if entry.zone == first.zone}
    updated = _updated(settings, accounts)
    delegation, seen = _seen(discovery, settings, first, wanted, updated)
    primaries: tuple[Server, ...] = ()
    if any(server.authority for server in seen.answers):  # else there is nothing to compare them with
        primaries = tuple(_primaries(discovery, seen, updated))
    hidden = query_servers(primaries, seen.apex, wanted, timing=settings.timing)
    receiving = tuple(address for host in updated for address in _addresses(discovery, host))
    return Evidence(dict(wanted), first.zone, delegation, seen, hidden, receiving, was_ready, len(accounts))


def _seen(
    discovery: Discovery,
    settings: Settings,
    first: Entry,
    wanted: Mapping[str, frozenset[str]],
    updated: Iterable[str],
) -> tuple[Destination, ZoneSurvey]:
    """Where the first name leads, and what the servers there say; of a private zone, those that the
    configuration names, or that take its updates."""
    servers = tuple(Server(str(address), (address,)) for address in settings.nameservers_for(first.target))
    found = None if servers else discovery.find(first.name)
    if found:
        if "." in found.zone or found.zone == first.zone:
            return found, survey_zone(discovery, found.zone, wanted)
        servers = tuple(Server(host, tuple(_addresses(discovery, host))) for host in updated)
    answers = query_servers(servers, first.zone, wanted, timing=settings.timing)
    if found and not any(server.authority for server in answers):
        return found, survey_zone(discovery, found.zone, wanted)
    private = Destination(first.name, first.target, first.zone, servers, (first.name,), private=True)
    return private, ZoneSurvey(first.zone, (), servers, answers)


def _updated(settings: Settings, accounts: Iterable[str]) -> list[str]:
    """The servers that the accounts send their updates to."""
    found = [settings.accounts[name] for name in sorted(accounts) if name in settings.accounts]
    return [server for account in found if (server := account.options.get("nameserver", ""))]


def _words(answer: Response, values: frozenset[str]) -> str:
    if not answer.authoritative:
        return answer.summary
    others = len(answer.texts - values)
    state = "has it" if values <= answer.texts else "does not have it"
    return f"{state}, but {others} other value{'s' if others > 1 else ''}" if others else state


def _primaries(discovery: Discovery, seen: ZoneSurvey, updated: Sequence[str]) -> Iterator[Server]:
    """Whom the SOA calls so (RFC 1035 §3.3.13), and those that are ``updated``."""
    public = {each.address for each in seen.answers}
    mnames = sorted({text(each.authority.mname) for each in seen.answers if each.authority})
    for host in filter(None, dict.fromkeys((*updated, *mnames))):
        hidden = tuple(address for address in _addresses(discovery, host) if address not in public)
        if hidden and host not in {server.name for server in seen.servers}:
            yield Server(host, hidden)
            public |= {*hidden}


def _addresses(discovery: Discovery, host: str) -> list[Address]:
    """Of a host, or of what is an address already."""
    with suppress(ConfigError):
        return list(addresses([host]))
    found = []
    for rdtype in (A, AAAA):
        with suppress(DelegationError):
            found += [a for rrset in discovery.ask(host, rdtype).answer for a in addresses_in(rrset)]
    return found
