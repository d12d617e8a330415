"""One look at a zone: what its parent says of it, and what each of its servers does.

Authoritative servers alone are asked, all at once: it takes as long as the slowest of them, and
no more than ``Timing.survey`` once the zone is found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, TypeVar

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.serial import Serial

from ....errors import DelegationError
from ....names import is_within
from ....threads import in_background
from ..address import Address
from ..cname_chain import Discovery
from ..destination import Server
from ..message import AAAA, A, addresses_in, alias_of
from ..timing import USUAL, Timing
from .refused_for_now import asked_again
from .server_answers import ServerAnswers, query_servers

T = TypeVar("T")

QUERY_TRIES = 3  # at an address that is late, over UDP and TCP each


class ZoneSurvey(NamedTuple):
    """What the parent of a zone says of it at one moment, and what each of its servers says."""

    apex: str
    delegated: tuple[str, ...]  # the NS RRset at the parent
    servers: tuple[Server, ...]  # of that RRset and of the zone's own
    answers: tuple[ServerAnswers, ...]
    behind: tuple[ServerAnswers, ...] = ()  # whose serial stays below another copy's of the same primary
    aliases: Mapping[str, str] = {}  # NS names that are CNAMEs, with their targets
    homeless: tuple[str, ...] = ()  # NS names without any address
    glue_alone: tuple[str, ...] = ()  # NS names in the zone that have an address at the parent alone
    unfound: tuple[str, ...] = ()  # NS names of which nobody tells whether they have one
    glue: Mapping[str, tuple[Address, ...]] = {}  # the addresses of NS names at the parent
    own: Mapping[str, tuple[Address, ...]] = {}  # those that the zone of the NS name itself has
    ds: dns.rrset.RRset | None = None  # at the parent

    @property
    def newest(self) -> ServerAnswers | None:
        """The copy with the highest serial."""
        speaking = [server for server in self.answers if server.authority]
        return max(speaking, key=_serial, default=None)

    @property
    def intercepted(self) -> bool:
        """Whether resolvers answer in the place of all its servers."""
        answering = [server for server in self.answers if not server.silent]
        return bool(answering) and all(server.soa_response.like_a_resolver for server in answering)


class _Home(NamedTuple):
    """What is known of an NS name."""

    alias: str
    addresses: tuple[Address, ...]
    complete: bool  # whether that is all there is


def survey_zone(
    discovery: Discovery,
    apex: str,
    texts: Collection[str] = (),
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> ZoneSurvey:
    """Look at the zone at ``apex``, and at the TXT records of the first ``NAMES`` of ``texts``.

    Raises DelegationError where nothing leads to the zone.
    """
    servers = discovery.find(apex).servers
    glue: Mapping[str, tuple[Address, ...]] = {}
    try:
        _, delegated, glue, _ = discovery.cut(apex)
    except DelegationError:  # its own servers are of no use, and the parent's word is all there is
        delegated = tuple(server.name for server in servers)
    until = time.monotonic() + discovery.timing.survey
    signer = in_background(partial(_ds, discovery, apex))
    homes = {server.name: in_background(partial(_home, discovery, server)) for server in servers}
    answers = query_servers(servers, apex, texts, discovery.tcp_only, discovery.timing)
    answers = asked_again(answers, apex, discovery.timing, sleep)
    discovery.learn_transports(
        tcp_only=[each.address for each in answers if each.tcp_only],
        by_datagram=[each.address for each in answers if each.udp and each.edns and not each.tcp_only],
    )
    found = {host: home for host, future in homes.items() if (home := _in_time(future, until))}
    nowhere = [
        server.name
        for server in servers
        if not (server.addresses or glue.get(server.name))
        if not ((home := found.get(server.name)) and (home.alias or home.addresses))
    ]
    return ZoneSurvey(
        apex=apex,
        delegated=delegated,
        servers=servers,
        answers=answers,
        behind=_still_behind(answers, apex, discovery.timing, sleep),
        aliases={host: home.alias for host, home in found.items() if home.alias},
        homeless=tuple(host for host in nowhere if host in found and found[host].complete),
        glue_alone=tuple(
            host
            for host, home in found.items()
            if glue.get(host) and home.complete and is_within(host, apex)
            if not (home.alias or home.addresses)
        ),
        unfound=tuple(host for host in nowhere if host not in found or not found[host].complete),
        glue={host: glue[host] for host in found if glue.get(host)},
        own={host: home.addresses for host, home in found.items() if home.addresses and home.complete},
        ds=_in_time(signer, until),
    )


def survey_named_servers(
    servers: Iterable[Server],
    apex: str,
    timing: Timing = USUAL,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> ZoneSurvey:
    """A survey of servers that the configuration names, which no delegation leads to."""
    named = tuple(servers)
    answers = asked_again(query_servers(named, apex, timing=timing), apex, timing, sleep)
    hosts = tuple(server.name for server in named)
    return ZoneSurvey(apex, hosts, named, answers, behind=_still_behind(answers, apex, timing, sleep))


def recheck_serials(
    survey: ZoneSurvey,
    serial: int | None,
    timing: Timing = USUAL,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> ZoneSurvey:
    """The survey with those copies too that do not have ``serial``, the primary's, after a while."""
    known = {server.address for server in survey.behind}
    late = [server for server in survey.answers if server.authority and server.address not in known]
    late = [server for server in late if serial is not None and _serial(server) < Serial(serial)]
    if not late or serial is None:
        return survey
    sleep(timing.catch_up)
    still = _still(late, lambda server: _serial(server) < Serial(serial), survey.apex, timing)
    return survey._replace(behind=(*survey.behind, *still))


def recheck_turns(
    survey: ZoneSurvey,
    seen: Mapping[Address, Collection[int]],
    timing: Timing = USUAL,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[ServerAnswers, ...]:
    """The copies at addresses that have shown another serial (``seen``) than in the survey, and show an older
    one after a while: several machines answer there. Each answer comes from one of them, by chance."""
    known = {server.address for server in survey.behind}
    newest = {
        server.address: max(map(Serial, (server.serial, *seen[server.address])))
        for server in survey.answers
        if server.serial is not None and server.address not in known
        if {*seen.get(server.address, ())} - {server.serial}
    }
    late = [server for server in survey.answers if server.address in newest]
    if not late:
        return ()
    sleep(timing.catch_up)
    still = _still(late, lambda server: _serial(server) < newest[server.address], survey.apex, timing)
    return tuple(server._replace(uneven=True) for server in still)


def _still_behind(
    servers: Iterable[ServerAnswers], apex: str, timing: Timing, sleep: Callable[[float], None]
) -> tuple[ServerAnswers, ...]:
    """The copies that do not have by now what another one of the same primary had before: what
    changes just now is nowhere late. Primaries of their own count as they like (RFC 8901)."""
    newest: dict[object, Serial] = {}
    for server in servers:
        for seen in _each_answer(server):
            if seen.authority:
                mname = seen.authority.mname
                newest[mname] = max(newest.get(mname, _serial(seen)), _serial(seen))

    def is_late(server: ServerAnswers) -> bool:
        known = newest.get(server.authority.mname) if server.authority else None
        return known is not None and _is_behind(server, known)

    late = [server for server in servers if any(map(is_late, _each_answer(server)))]
    if not late:
        return ()
    sleep(timing.catch_up)
    return _still(late, is_late, apex, timing)


def _still(
    late: Sequence[ServerAnswers], is_late: Callable[[ServerAnswers], bool], apex: str, timing: Timing
) -> tuple[ServerAnswers, ...]:
    """Those that are late when they are looked at again: several times, for behind one address there may be
    several machines, of which some have fetched the zone."""
    servers = [Server(server.host, (server.address,)) for server in late]
    rounds = [query_servers(servers, apex, timing=timing) for _ in range(QUERY_TRIES)]
    found = []
    for old, *again in zip(late, *rounds, strict=True):
        seen = [each for server in again for each in _each_answer(server) if each.authority]
        if still := [each for each in seen if is_late(each)]:
            answer = still[0].soa
            found.append(old._replace(soa=answer, stream=answer, uneven=len(still) < len(seen)))
    return tuple(found)


def _each_answer(server: ServerAnswers) -> Iterator[ServerAnswers]:
    """The look by its answer over UDP alone, and by that over TCP."""
    for answer in (server.soa, server.stream):
        yield server._replace(soa=answer, stream=answer)


def _is_behind(server: ServerAnswers, newest: Serial) -> bool:
    """Of two serials that are half the circle apart neither is the greater one, and nobody fetches either."""
    return not _serial(server) > newest and _serial(server) != newest


def _serial(server: ServerAnswers) -> Serial:
    return Serial(server.serial or 0)  # RFC 1982: they count in a circle


def _ds(discovery: Discovery, apex: str) -> dns.rrset.RRset | None:
    reply = discovery.ask(apex, dns.rdatatype.DS)
    return reply.get_rrset(reply.answer, dns.name.from_text(apex), dns.rdataclass.IN, dns.rdatatype.DS)


def _home(discovery: Discovery, server: Server) -> _Home:
    """What the NS name's own zone says of it, whether this machine has a route there or not. What
    cannot be asked for may be there."""
    alias = ""
    addresses: list[Address] = []
    for rdtype in (A, AAAA):
        try:
            reply = discovery.ask(server.name, rdtype)
        except DelegationError:
            return _Home(alias, tuple(addresses), False)
        alias = alias or alias_of(reply, server.name)
        addresses += [address for rrset in reply.answer for address in addresses_in(rrset)]
    return _Home(alias, tuple(addresses), True)


def _in_time(future: Future[T], until: float) -> T | None:
    """What has been found by then, or nothing."""
    try:
        return future.result(max(0.0, until - time.monotonic()))
    except (DelegationError, TimeoutError):
        return None
