"""One look at a zone: what its parent says of it, and what each of its servers does.

Authoritative servers alone are asked, all at once: it takes as long as the slowest of them, and
no more than ``Timing.survey`` once the zone is found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, TypeVar

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset
from dns.serial import Serial

from ....errors import DelegationError
from ....threads import aside
from ..address import Address
from ..destination import Server
from ..message import AAAA, NS, SOA, TXT, A, Query, Response, addresses_in, alias_of, hosts_in
from ..timing import USUAL, Timing
from ..transport import Transport
from ..zone_cuts import Discovery

HESITANT = 1.2  # seconds after which a server that has answered over TCP is asked the rest there
LOST = 2.6  # seconds: the datagram that was sent again has not been answered either
PROBED = 1.4  # seconds that a small datagram may take, of a server that has answered over TCP
SMALL = 512  # octets that a datagram of DNS has always been allowed to have (RFC 1035 §2.3.4)
NAMES = 4  # whose TXT is looked at; more would not fit into datagrams (dnswire.CROWD)

NOTHING = Response(None, "timed out")

T = TypeVar("T")


class Look(NamedTuple):
    """What one address of a name server says of the zone; ``stream`` is its SOA over TCP."""

    host: str
    address: Address
    soa: Response
    ns: Response
    keys: Response
    stream: Response
    texts: Mapping[str, Response]
    lost: frozenset[str] = frozenset()  # types whose answers are large, and did not come over UDP
    udp: bool = True  # whether it answers datagrams at all
    edns: bool = True  # whether it answers those that have EDNS
    limited: bool = False  # whether it truncates answers that are small: it limits its rate (RRL)

    @property
    def heard(self) -> Response:
        """The response to its SOA query, over UDP or TCP."""
        return self.soa if self.soa.message else self.stream

    @property
    def silent(self) -> bool:
        """Whether it says nothing at all."""
        return self.heard.message is None

    @property
    def lame(self) -> bool:
        """Whether it answers, and not for the zone (RFC 9499 §7)."""
        return not self.silent and self.authority is None

    @property
    def authority(self) -> dns.rdtypes.ANY.SOA.SOA | None:
        """The SOA of its copy of the zone, if it has one."""
        if self.heard.message is None or not self.heard.authoritative:
            return None
        rdatas = (rdata for rrset in self.heard.message.answer for rdata in rrset)
        return next((rdata for rdata in rdatas if isinstance(rdata, dns.rdtypes.ANY.SOA.SOA)), None)

    @property
    def serial(self) -> int | None:
        """The serial of that copy."""
        return self.authority.serial if self.authority else None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The NS RRset at that copy's apex."""
        if self.ns.message is None or not self.ns.authoritative:
            return ()
        return tuple(host for rrset in self.ns.message.answer for host in hosts_in(rrset))

    def __str__(self) -> str:
        return f"{self.host} ({self.address})"


class Survey(NamedTuple):
    """A zone as it is at one moment."""

    apex: str
    delegated: tuple[str, ...]  # the NS RRset at the parent
    servers: tuple[Server, ...]  # of that RRset and of the zone's own
    looks: tuple[Look, ...]
    behind: tuple[Look, ...] = ()  # whose serial stays below that of another copy of the same primary
    aliases: Mapping[str, str] = {}  # NS names that are CNAMEs, with their targets
    homeless: tuple[str, ...] = ()  # NS names without any address
    glue: Mapping[str, tuple[Address, ...]] = {}  # the addresses of NS names at the parent
    own: Mapping[str, tuple[Address, ...]] = {}  # those that the zone of the NS name itself has
    ds: dns.rrset.RRset | None = None  # at the parent

    @property
    def newest(self) -> Look | None:
        """The copy with the highest serial."""
        speaking = [look for look in self.looks if look.authority]
        return max(speaking, key=_serial, default=None)

    @property
    def intercepted(self) -> bool:
        """Whether resolvers answer in the place of all its servers."""
        heard = [look for look in self.looks if not look.silent]
        return bool(heard) and all(look.heard.like_a_resolver for look in heard)


class _Home(NamedTuple):
    """What is known of an NS name."""

    alias: str
    addresses: tuple[Address, ...]
    complete: bool  # whether that is all there is


def survey(
    discovery: Discovery,
    apex: str,
    texts: Collection[str] = (),
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Survey:
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
    signer = aside(partial(_ds, discovery, apex))
    homes = {server.name: aside(partial(_home, discovery, server)) for server in servers}
    looks = look_at(servers, apex, texts, discovery.deaf, discovery.timing)
    found = {host: home for host, future in homes.items() if (home := _in_time(future, until))}
    return Survey(
        apex=apex,
        delegated=delegated,
        servers=servers,
        looks=looks,
        behind=_still_behind(looks, apex, discovery.timing, sleep),
        aliases={host: home.alias for host, home in found.items() if home.alias},
        homeless=tuple(
            server.name
            for server in servers
            if (home := found.get(server.name)) and home.complete
            if not (home.alias or home.addresses or server.addresses or glue.get(server.name))
        ),
        glue={host: glue[host] for host in found if glue.get(host)},
        own={host: home.addresses for host, home in found.items() if home.addresses and home.complete},
        ds=_in_time(signer, until),
    )


def survey_named(
    servers: Iterable[Server],
    apex: str,
    timing: Timing = USUAL,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Survey:
    """A survey of servers that the configuration names, which no delegation leads to."""
    named = tuple(servers)
    looks = look_at(named, apex, timing=timing)
    hosts = tuple(server.name for server in named)
    return Survey(apex, hosts, named, looks, behind=_still_behind(looks, apex, timing, sleep))


def recheck_serials(
    survey: Survey,
    serial: int | None,
    timing: Timing = USUAL,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Survey:
    """The survey with those copies too that do not have ``serial``, the primary's, after a while."""
    known = {look.address for look in survey.behind}
    late = [look for look in survey.looks if look.authority and look.address not in known]
    late = [look for look in late if serial is not None and _serial(look) < Serial(serial)]
    if not late or serial is None:
        return survey
    sleep(timing.catch_up)
    again = look_at([Server(look.host, (look.address,)) for look in late], survey.apex, timing=timing)
    still = [look for look in again if look.authority and _serial(look) < Serial(serial)]
    return survey._replace(behind=(*survey.behind, *still))


def look_at(
    servers: Iterable[Server],
    apex: str,
    texts: Collection[str] = (),
    deaf: set[Address] | None = None,
    timing: Timing = USUAL,
) -> tuple[Look, ...]:
    """Ask every address of the servers about the zone, ``timing.survey`` seconds in all.

    One that answers over TCP and not over UDP is asked the rest over TCP, and added to ``deaf``.
    """
    spots = list(dict.fromkeys((server.name, each) for server in servers for each in server.addresses))
    names = list(texts)[:NAMES]
    addresses = dict.fromkeys(address for _, address in spots)
    deaf = set() if deaf is None else deaf
    began = time.monotonic()
    answers: dict[Query, Response] = {}
    with Transport(timing) as transport:
        for address in addresses:
            soa, *others = _questions(address, apex, names)
            if address in deaf:
                transport.send(_probes(address, apex))
            transport.send([soa, *(each._replace(stream=address in deaf or each.stream) for each in others)])
        waiting = set(addresses)
        resent = dict.fromkeys(deaf, began)
        while transport.busy and waiting and (left := began + timing.survey - time.monotonic()) > 0:
            answers.update(transport.collect(min(left, 0.2)))
            now = time.monotonic()
            late = now - began
            for address in list(waiting):
                asked = _questions(address, apex, names)
                if all(each in answers or each._replace(stream=True) in answers for each in asked):
                    if asked[0] in answers or (late > LOST and now > resent.get(address, began) + PROBED):
                        waiting.discard(address)
                elif late > HESITANT and address not in resent and answers.get(asked[3], NOTHING).message:
                    resent[address] = now
                    again = [each for each in asked if each not in answers and not each.stream]
                    transport.send(_probes(address, apex))  # with the others they might go over TCP
                    transport.send(each._replace(stream=True) for each in again)
        hearing = {
            address
            for address in resent
            if any(
                _came_by_udp(answers.get(each, NOTHING))
                for each in _datagrams(address, apex)
                if not each.plain
            )
        }
        deaf |= resent.keys()
        deaf -= hearing - {address for address in resent if _lost(address, apex, answers)}
    return tuple(_look(host, address, apex, names, answers) for host, address in spots)


def _look(
    host: str, address: Address, apex: str, names: Sequence[str], answers: Mapping[Query, Response]
) -> Look:
    """Each answer, whichever way it came; but of the SOA, each by its own."""
    asked = _questions(address, apex, names)
    soa = answers.get(asked[0], NOTHING)
    found = [answers.get(each) or answers.get(each._replace(stream=True), NOTHING) for each in asked[1:]]
    by_stream = answers.get(asked[0]._replace(stream=True), NOTHING)
    ns, keys, stream, *said = found
    if stream.message is None:
        stream = by_stream
    came = {each for each in _datagrams(address, apex) if _came_by_udp(answers.get(each, NOTHING))}
    return Look(
        host,
        address,
        soa,
        ns,
        keys,
        stream,
        dict(zip(names, said, strict=True)),
        lost=_lost(address, apex, answers),
        udp=bool(came),
        edns=not came or any(not each.plain for each in came),
        limited=any(each.truncated and _is_small(each) for each in (soa, ns, keys)),
    )


def _lost(address: Address, apex: str, answers: Mapping[Query, Response]) -> frozenset[str]:
    """The types whose answers came over TCP, and not over UDP, and are large: that of a small one was
    lost by chance, or by a limit of the server's rate."""
    found = set()
    for each in _questions(address, apex, ()):
        answer = answers.get(each, NOTHING)
        by_stream = answers.get(each._replace(stream=True), NOTHING)
        full = answer if answer.message else by_stream
        dropped = answer.fallback or (answer.message is None and full.message is not None)
        if not each.stream and dropped and not _is_small(full):
            found.add(dns.rdatatype.to_text(each.rdtype))
    return frozenset(found)


def _is_small(answer: Response) -> bool:
    return answer.message is not None and len(answer.message.to_wire()) <= SMALL


def _datagrams(address: Address, apex: str) -> list[Query]:
    """One of which has to be answered over UDP."""
    return [
        *(each for each in _questions(address, apex, ()) if not each.stream),
        *_probes(address, apex),
    ]


def _probes(address: Address, apex: str) -> list[Query]:
    """Their answers are small; the first has no EDNS either, which some firewalls drop."""
    return [Query(address, apex, SOA, plain=True), Query(address, apex, SOA)]


def _came_by_udp(answer: Response) -> bool:
    return answer.message is not None and not answer.fallback


def _questions(address: Address, apex: str, names: Iterable[str]) -> list[Query]:
    """In the order of a Look."""
    return [
        Query(address, apex, SOA, dnssec=True),
        Query(address, apex, NS, dnssec=True),
        Query(address, apex, dns.rdatatype.DNSKEY, dnssec=True),
        Query(address, apex, SOA, stream=True),
        *(Query(address, name, TXT) for name in names),
    ]


def _still_behind(
    looks: Iterable[Look], apex: str, timing: Timing, sleep: Callable[[float], None]
) -> tuple[Look, ...]:
    """The copies that do not have by now what another one of the same primary had before: what
    changes just now is nowhere late. Primaries of their own count as they like (RFC 8901)."""
    newest: dict[object, Serial] = {}
    for look in looks:
        if look.authority:
            mname = look.authority.mname
            newest[mname] = max(newest.get(mname, _serial(look)), _serial(look))
    late = [look for look in looks if look.authority and _is_behind(look, newest[look.authority.mname])]
    if not late:
        return ()
    sleep(timing.catch_up)
    again = look_at([Server(look.host, (look.address,)) for look in late], apex, timing=timing)
    return tuple(
        old._replace(soa=new.soa, stream=new.stream)
        for old, new in zip(late, again, strict=True)
        if old.authority and new.authority and _is_behind(new, newest[old.authority.mname])
    )


def _is_behind(look: Look, newest: Serial) -> bool:
    """Of two serials that are half the circle apart neither is the greater one, and nobody fetches either."""
    return not _serial(look) > newest and _serial(look) != newest


def _serial(look: Look) -> Serial:
    return Serial(look.serial or 0)  # RFC 1982: they count in a circle


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
