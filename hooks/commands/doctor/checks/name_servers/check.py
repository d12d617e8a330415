"""The name servers of every zone on the way: are all of them there, and do they agree?

How grave a fault is follows from what a wait does with such a server (docs/readiness.rst).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial

from ......errors import DelegationError
from ......names import PREFIX
from ......threads import in_background
from .....dns.address import Address
from .....dns.inspect.faults import server_faults
from .....dns.inspect.server_answers import ServerAnswers
from .....dns.inspect.source_address import sources
from .....dns.inspect.zone_survey import ZoneSurvey, recheck_serials
from .....dns.message import CNAME, alias_of
from ...finding import Examined, Finding, Severity
from ..subjects.account_copy import AccountCopies, AccountCopy, account_copies
from ..subjects.ca import is_of_ones_own
from ..subjects.catch_all import catch_all
from ..subjects.destination import followed
from ..subjects.large_answers import large_lost, losing_large
from ..subjects.response_rate import without_drops
from ..subjects.response_time import measured, measured_while
from ..subjects.zones import named_survey, survey_of, surveys, zone_of
from ..zone_copies.account_host import host_elsewhere, uneven_machines
from ..zone_copies.against_account import (
    beneath_a_zone,
    copy_elsewhere,
    hidden_and_behind,
    looks_parked,
    other_view,
    refreshed,
    with_addresses,
)
from ..zone_copies.faults import REPORTS, naming, serial_went_back, together
from ..zone_copies.seen_outside import look_from_outside, shows_the_updated_view
from . import addresses
from .asked_with_do import only_with_do
from .intercepted import without_intercepted
from .named import findings_of_named, not_in_the_world
from .notes import long_negative_ttl, single_network
from .ns_records import (
    ns_cname,
    ns_in_glue_alone,
    ns_literal,
    ns_mismatch,
    ns_not_found,
    ns_without_address,
)
from .out_of_reach import of_the_root
from .rate_limits import dropping_answers, limited, lossy
from .resolved_addresses import inside_addresses
from .slow import as_if_quick, of_slow_ones, slow, slow_named
from .too_few import too_few
from .transports import (
    answers_from_elsewhere,
    blocked_ports,
    large_udp,
    one_transport,
    silent,
    transports_above,
    without_edns,
    without_signatures,
)

OTHER_COPIES = {"account-elsewhere", "serial-went-back", "stale-secondary", "two-primaries", "foreign-copy"}
UNSEEN = 3.0  # seconds for the delegated servers, which may be out of reach where `nameservers` are named


def check(examined: Examined) -> Iterator[Finding]:
    """Everything that is wrong with the servers of the zones that the challenge depends on. A CA of one's own
    reaches servers that the world does not."""
    is_own_ca = cache(partial(is_of_ones_own, examined))
    for finding in _of_all_zones(examined, is_own_ca):
        if finding.code != "private-address" or not is_own_ca():
            yield finding


def _of_all_zones(examined: Examined, is_own_ca: Callable[[], bool]) -> Iterator[Finding]:
    if examined.settings.nameservers_for(examined.name):
        yield from _of_named_ones(examined, is_own_ca)
        return
    discovery = examined.discovery
    for apex in (told := _first_zones(examined)):  # before anything that may take long with such servers
        yield from slow(apex, discovery.known_servers(apex), measured(discovery, apex))
    copies = account_copies(examined)
    if catch_all(examined):
        return  # what such servers say of a zone means nothing
    zone = _zone_of_the_record(examined)
    for seen in surveys(examined):
        survey, intercepted = without_intercepted(examined, seen)
        if intercepted:
            yield intercepted
        if inside := inside_addresses(examined, survey.apex, survey.servers, survey.own):
            yield inside
            continue
        owned = [copy for copy in copies.found if copy.zone == survey.apex]
        if uneven := [found for each in owned if (found := uneven_machines(examined, each))]:
            yield from uneven
            continue
        if views := [view for each in owned if (view := other_view(examined, survey, each))]:
            looking = look_from_outside(discovery, examined.settings.resolvers, survey.apex)
            if not shows_the_updated_view(examined, looking.result()):
                yield from views
            continue
        if owned and copies.accounts > 1:
            yield from _of_several(examined, survey, copies._replace(found=tuple(owned)))
            continue
        own = copies.only if owned else None
        if own:
            survey, own = _compared(examined, survey, own)
        working_above = partial(transports_above, discovery, survey.apex)
        times = measured(discovery, survey.apex)
        heard = {address for address, took in times.items() if took.udp is not None}
        if survey.apex not in told:
            yield from slow(survey.apex, discovery.known_servers(survey.apex), times)
        times = of_slow_ones(times)
        survey, dropping = without_drops(examined, as_if_quick(survey, times), times)
        yield from dropping_answers(survey, dropping)
        for finding in findings(survey, own, of_the_root(examined), working_above, heard):
            if own and finding.code == "account-elsewhere":
                finding = host_elsewhere(examined, own) or beneath_a_zone(examined, survey, finding)
            yield finding
        if survey.apex == zone:
            yield from too_few(examined, survey)
    yield from _above(examined)


def _first_zones(examined: Examined) -> list[str]:
    """The domain's own zone, and that of its challenge name's CNAME, as far as the way there is known by
    now: neither has to be asked."""
    discovery = examined.discovery
    found = [discovery.known_zone(examined.name.removeprefix(PREFIX))]
    if not measured(discovery, found[0]):
        with suppress(DelegationError):
            reply = discovery.ask(examined.name, CNAME)
            found.append(discovery.known_zone(alias_of(reply, examined.name)))
    return [apex for apex in dict.fromkeys(found) if "." in apex]


def _of_named_ones(examined: Examined, is_own_ca: Callable[[], bool]) -> Iterator[Finding]:
    """The servers that the configuration names."""
    servers, apex = followed(examined).servers, examined.name.removeprefix(PREFIX)
    looking = in_background(partial(named_survey, examined))
    times = measured_while(looking, servers, apex, examined.discovery)
    yield from slow_named(apex, servers, times)
    copies = account_copies(examined)
    times = of_slow_ones(times)
    if survey := looking.result():
        survey, dropping = without_drops(examined, as_if_quick(survey, times), times)
        yield from dropping_answers(survey, dropping)
        if survey.answers:
            yield from _unexpected(findings_of_named(survey, copies.only), survey, copies)
            yield from too_few(examined, survey)
    if copies.only and not is_own_ca():
        yield from _unseen(examined, copies.only)
        yield from not_in_the_world(examined, copies.only, UNSEEN)


def _above(examined: Examined) -> Iterator[Finding]:
    """Servers of the zone above, where that is no registry's, that a CA asks in vain. Whether those that
    answer lead to the same servers is for the check of the path."""
    own = zone_of(examined, examined.name.removeprefix(PREFIX))
    above = zone_of(examined, own.apex.partition(".")[2]) if own else None
    if above and above.apex not in {survey.apex for survey in surveys(examined)}:
        for finding in findings(above):
            if finding.code in ("lame-server", "server-fails", "silent-server"):
                yield finding._replace(severity=Severity.WARNING)


def _compared(examined: Examined, survey: ZoneSurvey, account: AccountCopy) -> tuple[ZoneSurvey, AccountCopy]:
    """The two as they are once each has been looked at again for what the other has."""
    account = refreshed(examined, survey, account)
    survey = recheck_serials(survey, account.apex.serial)
    return survey, with_addresses(examined, survey, account)


def findings(
    survey: ZoneSurvey,
    account: AccountCopy | None = None,
    root: Collection[str] = (),
    working_above: Callable[[], Container[str]] = frozenset,
    heard: Collection[Address] = (),
) -> Iterator[Finding]:
    """Everything that is wrong with the servers of one zone. ``account``: what is to be seen there;
    ``root``: the addresses of the root's servers, which are of the world's kind; ``working_above``: by
    which of UDP and TCP the servers of the zone above it answer; ``heard``: whose small answers arrive."""
    if account and hidden_and_behind(survey, account):
        yield serial_went_back(survey, account)
        return
    if account and (elsewhere := copy_elsewhere(survey, account)):
        yield elsewhere
        return
    if account and (parked := looks_parked(survey, account)):
        yield parked
    faults = (
        []
        if survey.intercepted
        else server_faults(survey, account.copy if account and account.apex.primary else None)
    )
    of_addresses = list(addresses.findings(survey, faults, root, account))
    yield from of_addresses
    explained = {ip for finding in of_addresses for ip in addresses.mentioned(finding)}
    faults = [fault for fault in faults if not addresses.explains(of_addresses, fault)]
    for fault, finding in only_with_do(survey, faults):
        faults.remove(fault)
        yield finding
    if any(fault.kind == "ahead" for fault in faults):
        yield serial_went_back(survey, account)
    for fault in together(survey, faults):
        if report := REPORTS.get(fault.kind):
            yield naming(report(survey, fault), account)
    yield from ns_cname(survey)
    yield from ns_literal(survey)
    if not any(fault.kind in ("foreign", "primary") for fault in faults):
        yield from ns_mismatch(survey)
    yield from ns_without_address(survey)
    yield from ns_in_glue_alone(survey)
    yield from ns_not_found(survey)
    blocked = list(blocked_ports(survey, working_above, explained))
    codes = {finding.code for finding in blocked}
    strange = sources((server.address for server in survey.answers if not server.udp), survey.apex)
    yield from answers_from_elsewhere(survey, strange)
    explained |= {address.ip for address in strange}
    if lost := losing_large(survey, heard):
        yield _large_lost(survey, lost)
    others = survey._replace(answers=tuple(server for server in survey.answers if server not in lost))
    yield from silent(others, codes, explained)
    yield from one_transport(others, codes, explained)
    yield from large_udp(survey)
    yield from without_edns(survey)
    yield from without_signatures(survey)
    yield from blocked
    yield from limited(survey)
    yield from lossy(survey)
    yield from single_network(survey)
    yield from long_negative_ttl(survey)


def _large_lost(survey: ZoneSurvey, lost: Sequence[ServerAnswers]) -> Finding:
    which = "those with the signatures of DNSSEC, which resolvers of CAs ask for"
    nobody = not any(server.authority for server in survey.answers)
    return large_lost(survey.apex, lost, f"DNSKEY {survey.apex} +dnssec", which, nobody=nobody)


def _zone_of_the_record(examined: Examined) -> str:
    with suppress(DelegationError):
        return followed(examined).zone
    return ""


# Several accounts, each with servers and an SOA of its own (RFC 8901)


def _of_several(examined: Examined, survey: ZoneSurvey, copies: AccountCopies) -> Iterator[Finding]:
    """What is wrong with the servers of a zone that several accounts serve side by side. That the world does
    not read one of the copies keeps no order from passing while it reads another."""
    complete = [with_addresses(examined, survey, copy) for copy in copies.found]
    unread = [finding for copy in complete if (finding := copy_elsewhere(survey, copy))]
    severity = Severity.ERROR if len(unread) == copies.accounts else Severity.WARNING
    yield from (finding._replace(severity=severity) for finding in unread)
    found = findings(survey, None, of_the_root(examined))
    yield from _unexpected(found, survey, copies)


def _unexpected(found: Iterable[Finding], survey: ZoneSurvey, copies: AccountCopies) -> Iterator[Finding]:
    """The findings without what is as it should be where several accounts serve the zone: servers with
    copies of their own, and lists of name servers that are complete only together."""
    if copies.accounts < 2:
        yield from found
        return
    expected = {host for copy in copies.found for host in copy.apex.name_servers}
    complete = {host for server in survey.answers for host in server.hosts} == set(survey.delegated)
    for finding in found:
        known = set(finding.subject.split(", ")) <= expected or len(copies.found) < copies.accounts
        if finding.code == "two-primaries" or (finding.code == "foreign-copy" and known):
            continue
        if finding.code != "ns-mismatch" or not complete:
            yield finding


def _unseen(examined: Examined, account: AccountCopy) -> Iterator[Finding]:
    """Where `nameservers` are asked in the place of those that a public CA asks, which have another copy."""
    if survey := survey_of(examined.discovery, account.zone, UNSEEN):
        survey, account = _compared(examined, survey, account)
        for finding in findings(survey, account, of_the_root(examined)):
            if finding.code in OTHER_COPIES:
                remove = "then remove `nameservers`, which hides this from a wait"
                yield finding._replace(remedy=(*finding.remedy, remove))
