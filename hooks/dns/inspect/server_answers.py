"""What each address of a zone's name servers answers: over UDP and TCP, with EDNS and without."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import dns.rdatatype
import dns.rdtypes.ANY.SOA

from ..address import Address
from ..destination import Server
from ..message import NS, SOA, TXT, Query, Response, hosts_in
from ..timing import USUAL, Timing
from ..transports.transport import Transport

TCP_AFTER = 1.2  # seconds after which a server that has answered over TCP is asked the rest there
LOST = 2.6  # seconds: the datagram that was sent again has not been answered either
SMALL_UDP_TIMEOUT = 1.4  # seconds that a small datagram may take, of a server that has answered over TCP
SMALL = 512  # octets that a datagram of DNS has always been allowed to have (RFC 1035 §2.3.4)
NAMES = 4  # whose TXT is looked at; more would not fit into datagrams (transport.DATAGRAMS_PER_SERVER)

NOTHING = Response(None, "timed out")


class ServerAnswers(NamedTuple):
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
    do: bool = True  # whether it answers those of EDNS that ask for signatures (flag DO)
    limited: bool = False  # whether it truncates answers that are small: it limits its rate (RRL)
    refusing: bool = False  # whether it refuses at one moment what it answers at another: it limits its rate
    lossy: bool = False  # whether many of its answers over UDP get lost, by chance
    tcp_only: bool = False  # whether it is to be asked over TCP: it answers there, and datagrams get lost
    uneven: bool = False  # whether its address answers from an older copy and from a newer one by turns

    @property
    def soa_response(self) -> Response:
        """The response to its SOA query, over UDP or TCP."""
        return self.soa if self.soa.message else self.stream

    @property
    def silent(self) -> bool:
        """Whether its SOA query had an answer neither over UDP nor over TCP."""
        return self.soa_response.message is None

    @property
    def lame(self) -> bool:
        """Whether it answers, and not for the zone (RFC 9499 §7)."""
        return not self.silent and self.authority is None

    @property
    def authority(self) -> dns.rdtypes.ANY.SOA.SOA | None:
        """The SOA of its copy of the zone, if it has one."""
        message = self.soa_response.message
        if message is None or not self.soa_response.authoritative:
            return None
        apex = message.question[0].name
        named = any(rrset.name == apex for rrset in message.answer)  # else it is that of another zone
        rdatas = (rdata for rrset in message.answer for rdata in rrset if named)
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


def query_servers(
    servers: Iterable[Server],
    apex: str,
    texts: Collection[str] = (),
    tcp_only: Collection[Address] = (),
    timing: Timing = USUAL,
) -> tuple[ServerAnswers, ...]:
    """Ask every address of the servers about the zone, ``timing.survey`` seconds in all.

    One that answers over TCP and not over UDP is asked the rest over TCP; one of ``tcp_only`` from the
    beginning.
    """
    spots = list(dict.fromkeys((server.name, each) for server in servers for each in server.addresses))
    names = list(texts)[:NAMES]
    addresses = dict.fromkeys(address for _, address in spots)
    known = frozenset(tcp_only)  # by now: other threads find more of them while these are asked
    began = time.monotonic()
    answers: dict[Query, Response] = {}
    with Transport(timing) as transport:
        for address in addresses:
            soa, *others = _questions(address, apex, names)
            if address in known:
                transport.send(_probes(address, apex))
            transport.send([soa, *(each._replace(stream=address in known or each.stream) for each in others)])
        waiting = set(addresses)
        resent = dict.fromkeys(known, began)
        while transport.busy and waiting and (left := began + timing.survey - time.monotonic()) > 0:
            answers.update(transport.collect(min(left, 0.2)))
            now = time.monotonic()
            late = now - began
            for address in list(waiting):
                asked = _questions(address, apex, names)
                if all(each in answers or each._replace(stream=True) in answers for each in asked):
                    if asked[0] in answers or (
                        late > LOST and now > resent.get(address, began) + SMALL_UDP_TIMEOUT
                    ):
                        waiting.discard(address)
                elif late > TCP_AFTER and address not in resent and answers.get(asked[3], NOTHING).message:
                    resent[address] = now
                    again = [each for each in asked if each not in answers and not each.stream]
                    transport.send(_probes(address, apex))  # with the others they might go over TCP
                    transport.send(each._replace(stream=True) for each in again)
    found = (_answers_of(host, address, apex, names, answers) for host, address in spots)
    return tuple(
        each._replace(tcp_only=each.address in resent and not (each.udp and each.edns and not each.lost))
        for each in found
    )


def _answers_of(
    host: str, address: Address, apex: str, names: Sequence[str], answers: Mapping[Query, Response]
) -> ServerAnswers:
    """Each answer, whichever way it came; but of the SOA, each by its own."""
    asked = _questions(address, apex, names)
    soa = answers.get(asked[0], NOTHING)
    found = [answers.get(each) or answers.get(each._replace(stream=True), NOTHING) for each in asked[1:]]
    by_stream = answers.get(asked[0]._replace(stream=True), NOTHING)
    ns, keys, stream, *others = found
    if stream.message is None:
        stream = by_stream
    came = {each for each in _datagrams(address, apex) if _came_by_udp(answers.get(each, NOTHING))}
    return ServerAnswers(
        host,
        address,
        soa,
        ns,
        keys,
        stream,
        dict(zip(names, others, strict=True)),
        lost=_lost(address, apex, answers),
        udp=bool(came),
        edns=not came or any(not each.plain for each in came),
        do=all(each.plain for each in came) or any(each.dnssec for each in came),
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
    """In the order of ServerAnswers."""
    return [
        Query(address, apex, SOA, dnssec=True),
        Query(address, apex, NS, dnssec=True),
        Query(address, apex, dns.rdatatype.DNSKEY, dnssec=True),
        Query(address, apex, SOA, stream=True),
        *(Query(address, name, TXT) for name in names),
    ]
