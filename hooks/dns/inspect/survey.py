"""One look at a zone: what its parent says of it, and what each of its servers does.

Authoritative servers alone are asked, all at once: it takes as long as the slowest of them, and
no more than ``PATIENCE`` once the zone is found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
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
from ..delegation import Server
from ..message import TXT, Address, Answer, Question
from ..replies import AAAA, NS, SOA, A, addresses_in, alias_of, hosts_in
from ..transport import Wire
from ..zone_cuts import Discovery

PATIENCE = 3.5  # seconds: a lost datagram is sent again after 2
AGAIN = 2.0  # seconds that a server which is behind gets to fetch what the others have
NAMES = 4  # whose TXT is looked at; more would not fit into datagrams (dnswire.CROWD)

T = TypeVar("T")


class Look(NamedTuple):
    """What one address of a name server says of the zone; ``stream`` is its SOA over TCP."""

    host: str
    address: Address
    soa: Answer
    ns: Answer
    keys: Answer
    stream: Answer
    texts: Mapping[str, Answer]

    @property
    def heard(self) -> Answer:
        """Its SOA, whichever way it came."""
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
    addressed: bool


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
    try:
        delegated = discovery.cut(apex).hosts
    except DelegationError:  # its own servers are of no use, and the parent's word is all there is
        delegated = tuple(server.name for server in servers)
    until = time.monotonic() + PATIENCE
    signer = aside(partial(_ds, discovery, apex))
    homes = {server.name: aside(partial(_home, discovery, server)) for server in servers}
    looks = look_at(servers, apex, texts)
    found = {host: home for host, future in homes.items() if (home := _in_time(future, until))}
    return Survey(
        apex=apex,
        delegated=delegated,
        servers=servers,
        looks=looks,
        behind=_still_behind(looks, apex, sleep),
        aliases={host: home.alias for host, home in found.items() if home.alias},
        homeless=tuple(host for host, home in found.items() if not home.addressed),
        ds=_in_time(signer, until),
    )


def look_at(servers: Iterable[Server], apex: str, texts: Collection[str] = ()) -> tuple[Look, ...]:
    """Ask every address of the servers about the zone, ``PATIENCE`` seconds in all."""
    spots = [(server.name, address) for server in servers for address in server.addresses]
    names = list(texts)[:NAMES]
    with Wire() as wire:
        asked = [question for _, address in spots for question in _questions(address, apex, names)]
        answers = wire.ask(asked, PATIENCE)
    looks = []
    for host, address in spots:
        soa, ns, keys, stream, *said = (answers[question] for question in _questions(address, apex, names))
        looks.append(Look(host, address, soa, ns, keys, stream, dict(zip(names, said, strict=True))))
    return tuple(looks)


def _questions(address: Address, apex: str, names: Iterable[str]) -> list[Question]:
    """In the order of a Look."""
    return [
        Question(address, apex, SOA, dnssec=True),
        Question(address, apex, NS, dnssec=True),
        Question(address, apex, dns.rdatatype.DNSKEY, dnssec=True),
        Question(address, apex, SOA, stream=True),
        *(Question(address, name, TXT) for name in names),
    ]


def _still_behind(looks: Iterable[Look], apex: str, sleep: Callable[[float], None]) -> tuple[Look, ...]:
    """The copies that do not have by now what another one of the same primary had before: what
    changes just now is nowhere late. Primaries of their own count as they like (RFC 8901)."""
    newest: dict[object, Serial] = {}
    for look in looks:
        if look.authority:
            mname = look.authority.mname
            newest[mname] = max(newest.get(mname, _serial(look)), _serial(look))
    late = [look for look in looks if look.authority and _serial(look) < newest[look.authority.mname]]
    if not late:
        return ()
    sleep(AGAIN)
    again = look_at([Server(look.host, (look.address,)) for look in late], apex)
    return tuple(
        old._replace(soa=new.soa, stream=new.stream)
        for old, new in zip(late, again, strict=True)
        if old.authority and new.authority and _serial(new) < newest[old.authority.mname]
    )


def _serial(look: Look) -> Serial:
    return Serial(look.serial or 0)  # RFC 1982: they count in a circle


def _ds(discovery: Discovery, apex: str) -> dns.rrset.RRset | None:
    reply = discovery.ask(apex, dns.rdatatype.DS)
    return reply.get_rrset(reply.answer, dns.name.from_text(apex), dns.rdataclass.IN, dns.rdatatype.DS)


def _home(discovery: Discovery, server: Server) -> _Home:
    """An address that this machine has no route to is an address all the same, and one that cannot
    be asked for may be there."""
    alias, addressed = "", bool(server.addresses)
    for rdtype in (A, AAAA):
        try:
            reply = discovery.ask(server.name, rdtype)
        except DelegationError:
            return _Home(alias, True)
        alias = alias or alias_of(reply, server.name)
        addressed = addressed or bool(alias) or any(addresses_in(rrset) for rrset in reply.answer)
        if addressed:
            break
    return _Home(alias, addressed)


def _in_time(future: Future[T], until: float) -> T | None:
    """What has been found by then, or nothing."""
    try:
        return future.result(max(0.0, until - time.monotonic()))
    except (DelegationError, TimeoutError):
        return None
